/* One run at full size ------------------------------------------------------------------------------
   A dialog over the page: the file, and beside it everything that made it. Arrows go on through the files
   of a run and then to the next run of the list it was opened from. */

const lightbox = (() => {
  const LONGEST_TEXT = 200_000;
  const known = new Map(); // what was asked of some runs last: run id -> promise
  let dialog = null;
  let parts = {};
  let list = () => [];
  let from = {}; // where it was opened from
  let run = null; // what is shown
  let which = 0; // of its items
  let going = ""; // the run that is on its way
  let back = null; // who had the focus
  let isLarge = false;

  const ask_ = (id) => {
    if (!known.has(id)) {
      const asked = fetch(`results/${encodeURIComponent(id)}?lang=${lang}`).then(async (answer) => {
        const told = await answer.json().catch(() => ({}));
        if (!answer.ok) throw new Error(told.error || answer.statusText);
        return told;
      });
      asked.catch(() => known.delete(id));
      known.set(id, asked);
      if (known.size > 12) known.delete(known.keys().next().value);
    }
    return known.get(id);
  };

  const itemsOf = (told) => {
    const items = told.files.map((file) => ({ ...file }));
    if (told.texts.length) items.push({ kind: "texts", text: told.texts.join("\n\n") });
    return items.length ? items : [{ kind: "nothing" }];
  };

  const build = () => {
    const close = pressable("lb-button lb-close", { onclick: () => dialog.close() });
    const previous = pressable("lb-button lb-previous", { onclick: () => move(-1) });
    const next = pressable("lb-button lb-next", { onclick: () => move(1) });
    const frame = make("div", { class: "lb-frame", tabindex: "-1" });
    const place = make("p", { class: "lb-place", role: "status" });
    const panel = make("div", { class: "lb-panel" });
    dialog = make("dialog", { class: "lightbox" }, make("div", { class: "lb-stage" }, frame, previous, next, place), panel, close);
    parts = { close, previous, next, frame, place, panel };
    dialog.addEventListener("keydown", typed);
    dialog.addEventListener("close", closed);
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    swipe(frame);
    document.querySelector(".gradio-container .contain").append(dialog);
  };

  const label = () => {
    dialog.setAttribute("aria-label", say("res_box"));
    for (const [part, key] of [["close", "res_close"], ["previous", "res_previous"], ["next", "res_next"]]) {
      parts[part].setAttribute("aria-label", say(key));
      parts[part].title = say(key);
    }
  };

  /* Who opens it may give the runs to go on to (`ids`), what stands `above` the values of a run, what keys
     that were `typed` mean there, and is told the run that was shown last when it is `closed`. */
  const open = (id, given = {}) => {
    if (!dialog) build();
    from = given;
    list = from.ids || (() => [id]);
    back = from.row || document.activeElement;
    known.clear(); // it may have gone on since it was looked at
    label();
    run = null;
    if (!dialog.open) {
      dialog.showModal();
      layOver(dialog);
      // What was thrown away here can be brought back here.
      if (results.foot()) dialog.append(results.foot());
    }
    parts.frame.focus();
    go(id, from.file || 0);
  };

  const closed = () => {
    const id = run?.run_id;
    if (results.foot()) results.home();
    parts.frame.replaceChildren(); // a video that plays on would be heard
    parts.panel.replaceChildren();
    run = null;
    going = "";
    if (from.closed && id) from.closed(id);
    else if (results.isOpen() && id) results.goTo(id);
    else (back?.matches?.("li") ? back.querySelector("a") : back)?.focus?.();
  };

  /* `at`: the place among its items, or -1 for the last. */
  const go = async (id, at) => {
    going = id;
    try {
      const told = await ask_(id);
      if (going !== id || !dialog.open) return;
      const isOther = run?.run_id !== id;
      run = told;
      const count = itemsOf(told).length;
      which = at < 0 ? count - 1 : Math.min(at, count - 1);
      drawItem();
      if (isOther) drawPanel();
      ahead();
    } catch (error) {
      if (going !== id || !dialog.open) return;
      parts.frame.replaceChildren(make("p", { class: "lb-nothing", role: "alert" }, phrase("res_failed", { why: whyFailed(error) })));
    }
  };

  const neighbour = (by) => {
    const ids = list();
    const place = ids.indexOf(run?.run_id ?? going);
    return place < 0 ? undefined : ids[place + by];
  };

  const move = (by) => {
    if (!run || going !== run.run_id) return;
    const to = which + by;
    if (to >= 0 && to < itemsOf(run).length) {
      which = to;
      drawItem();
      return;
    }
    const id = neighbour(by);
    if (id) go(id, by < 0 ? -1 : 0);
  };

  /* What comes next is fetched while one looks at this. */
  const ahead = () => {
    for (const by of [1, -1]) {
      const id = neighbour(by);
      if (id)
        ask_(id).then((told) => {
          const file = told.files.at(by > 0 ? 0 : -1);
          if (file?.kind === "image") new Image().src = file.url;
        }, () => {});
    }
  };

  const typed = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("video, audio, input, select, textarea, .menu-list")) return;
    const ids = list();
    const act = {
      ArrowRight: () => move(1),
      ArrowLeft: () => move(-1),
      Home: () => ids[0] && go(ids[0], 0),
      End: () => ids.length && go(ids.at(-1), -1),
      s: () => run?.own && results.star([run.run_id], !run.starred),
      z: () => enlarge(!isLarge),
    }[event.key];
    if (!act && !(run && from.typed?.(event.key, run.run_id))) return;
    event.preventDefault();
    event.stopPropagation();
    act?.();
  };

  const swipe = (frame) => {
    let start = null;
    frame.addEventListener("touchstart", (event) => (start = event.touches.length === 1 && !isLarge ? event.touches[0] : null), { passive: true });
    frame.addEventListener("touchend", (event) => {
      const end = event.changedTouches[0];
      if (!start || event.touches.length || event.target.closest("video, audio, pre") || visualViewport?.scale > 1.05) return;
      const [across, down] = [end.clientX - start.clientX, end.clientY - start.clientY];
      start = null;
      if (Math.abs(across) > 48 && Math.abs(across) > 1.5 * Math.abs(down)) move(across < 0 ? 1 : -1);
    });
  };

  /* The file ------------------------------------------------------------------------------------ */

  const drawItem = () => {
    const items = itemsOf(run);
    const item = items[which];
    enlarge(false);
    parts.frame.dataset.kind = item.kind;
    parts.frame.replaceChildren(shownOf(item));
    drawPlace();
    drawFileActions();
  };

  const drawPlace = () => {
    const items = itemsOf(run);
    const ids = list();
    const place = ids.indexOf(run.run_id);
    const said = [];
    if (ids.length > 1 && place >= 0) said.push(phrase("res_place", { place: (place + 1).toLocaleString(lang), count: ids.length.toLocaleString(lang) }));
    if (items.length > 1) said.push(phrase("res_file_place", { place: which + 1, count: items.length }));
    setText(parts.place, said.join(" · "));
    parts.previous.disabled = which === 0 && !neighbour(-1);
    parts.next.disabled = which === items.length - 1 && !neighbour(1);
    // A button that is pressed to the end would lose the focus, and with it the keys.
    if (document.activeElement === document.body || document.activeElement?.disabled) parts.frame.focus();
  };

  const shownOf = (item) => {
    if (item.kind === "image") {
      const image = make("img", { src: item.url, alt: phrase("result_of", { title: run.title }), draggable: "false", onclick: () => enlarge(!isLarge) });
      image.addEventListener("error", () => image.replaceWith(card(item, say("res_other"))), { once: true });
      return image;
    }
    if (item.kind === "video") return make("video", { src: item.url, controls: true, loop: true, playsinline: true, autoplay: !calm(), "aria-label": item.name });
    if (item.kind === "audio") return make("audio", { src: item.url, controls: true, "aria-label": item.name });
    if (item.kind === "text") return textOf(item);
    if (item.kind === "texts") return make("pre", { class: "lb-text", tabindex: "0" }, item.text);
    if (item.kind === "nothing") return nothing();
    return card(item, say(item.kind === "3d" ? "res_3d" : "res_other"));
  };

  const card = (item, words) =>
    make("div", { class: "lb-card" }, make("b", { class: "lb-suffix" }, (item.name.split(".").pop() || item.kind).toUpperCase()), make("p", {}, item.name), make("p", { class: "lb-quiet" }, words.replace("{size}", () => item.size)),
      make("a", { class: "action main", href: item.download, download: item.name }, say("res_download")));

  const textOf = (item) => {
    const box = make("pre", { class: "lb-text", tabindex: "0", "aria-busy": "true" });
    fetch(item.url, { headers: { Range: `bytes=0-${LONGEST_TEXT - 1}` } })
      .then(async (answer) => {
        if (!answer.ok) throw new Error(answer.statusText);
        const text = await answer.text();
        box.textContent = text;
        const all = Number(answer.headers.get("content-range")?.split("/")[1] || 0);
        if (all > LONGEST_TEXT) box.after(make("p", { class: "lb-quiet" }, say("res_long_text")));
      })
      .catch((error) => (box.textContent = phrase("res_failed", { why: whyFailed(error) })))
      .finally(() => box.removeAttribute("aria-busy"));
    return box;
  };

  const nothing = () => {
    const box = make("div", { class: "lb-nothing" });
    if (run.error) box.append(errorCard({ ...run.error, offers: [], again: false }));
    else box.append(make("p", {}, run.removed || (run.live ? say("res_still") : run.hint || say("res_no_file"))));
    return box;
  };

  const enlarge = (on) => {
    isLarge = on && parts.frame.dataset.kind === "image";
    parts.frame.classList.toggle("is-large", isLarge);
  };

  /* What made it --------------------------------------------------------------------------------- */

  const drawPanel = () => {
    const panel = parts.panel;
    const state = run.state === "completed" ? run.line : [run.state_words, run.state === "failed" ? "" : run.hint].filter(Boolean).join(" · ");
    panel.replaceChildren(
      make("h2", {}, run.title || run.template),
      make("p", { class: "lb-quiet" }, [dated(run.at), state].join(" · ")),
      make("p", { class: "lb-starred" }, say("res_starred")),
      isOnSheet(run.experiment.id) ? "" : partOf(run.experiment, run.run_id, () => dialog.close()),
      from.above?.(run.run_id) || "",
      make("div", { class: "action-row lb-file-actions" }),
      make("div", { class: "action-row lb-run-actions" }, ...runActions()),
      sharedLine(run.run_id, run.shared),
    );
    if (run.template && !run.is_there) panel.append(make("p", { class: "lb-quiet" }, say("res_no_template")));
    if (run.removed) panel.append(make("p", { class: "warning" }, run.removed));
    for (const warning of run.warnings) panel.append(make("p", { class: "warning" }, warning));
    if (run.error && run.files.length) panel.append(errorCard({ ...run.error, offers: [], again: false }));
    if (run.values.length) panel.append(make("h3", {}, say("res_values")), table(run.values));
    panel.append(make("h3", {}, say("res_facts")), table([{ label: say("fact_date"), text: dated(run.at) }, ...run.facts]));
    if (run.log.length) panel.append(logOf());
    panel.scrollTop = 0;
    drawFileActions();
    drawStar();
  };

  const drawStar = () => {
    parts.panel.querySelector(".lb-starred").hidden = !run.starred;
    const button = parts.panel.querySelector(".lb-star");
    if (button) setText(button, say(run.starred ? "res_unstar_them" : "res_star_them"));
  };

  const table = (lines) => make("dl", { class: "lb-table" }, ...lines.flatMap((line) => [make("dt", {}, line.label), make("dd", {}, copyable(line))]));

  const copyable = (line) => {
    const said = make("span", { class: "lb-said", "aria-hidden": "true" });
    const one = pressable("lb-value", { "data-key": line.key || null, title: phrase("res_copy", { label: line.label }), "aria-label": `${line.text}. ${phrase("res_copy", { label: line.label })}`, onclick: async () => {
      await copyText(line.text);
      one.classList.add("is-copied");
      setText(said, say("copied"));
      setTimeout(() => {
        one.classList.remove("is-copied");
        setText(said, "");
      }, 1500);
    } }, make("span", { class: "lb-value-text" }, line.text), said);
    return one;
  };

  const logOf = () =>
    make("details", { class: "run-log" }, make("summary", {}, say("log")),
      make("ol", {}, ...run.log.map((line) => make("li", { "data-tone": line.tone || null }, make("span", { class: "at" }, line.at), make("span", { class: "text" }, line.text), make("span", { class: "took" }, line.took)))));

  const fileNow = () => {
    const item = run && itemsOf(run)[which];
    return item?.url ? item : null;
  };

  const drawFileActions = () => {
    const row = parts.panel.querySelector(".lb-file-actions");
    if (!row || !run) return;
    const file = fileNow();
    row.replaceChildren();
    row.hidden = !file;
    if (!file) return;
    row.append(make("a", { class: "action main", href: file.download, download: file.name, title: `${file.name} · ${file.size}` }, say("res_download")));
    if (run.archive) row.append(make("a", { class: "action", href: run.archive, download: true }, say("download_all")));
    if (file.kind === "image") row.append(make("a", { class: "action", href: file.url, target: "_blank", rel: "noopener" }, say("open_full")));
    if (["image", "video", "audio"].includes(file.kind)) row.append(act_("input", "use_as_input"));
  };

  /* What is done with it shows on the tab Create, or asks something first: the dialog makes room. */
  const act_ = (name, key, hint) =>
    pressable("action", { "data-act": name, title: hint, onclick: () => {
      const file = fileNow();
      const asked = { action: name, run: run.run_id, file: file?.name || "", kind: file?.kind || "" };
      dialog.close();
      bridge.act(asked);
    } }, say(key));

  const runActions = () => {
    const id = run.run_id;
    const star = pressable("action lb-star", { onclick: () => results.star([run.run_id], !run.starred) });
    const { shared } = run;
    const link = pressable("action", { onclick: async (event) => {
      const pressed = event.currentTarget;
      await copyText(new URL(run.link, location.href).href);
      shareByLink(id, shared);
      setText(pressed, say("copied"));
      setTimeout(() => setText(pressed, say("copy_link")), 1500);
    } }, say("copy_link"));
    const workflow = make("a", { class: "action", href: `runs/${encodeURIComponent(id)}.json`, download: true }, say("res_workflow"));
    const remove = pressable("action is-bad", { onclick: () => {
      const next = neighbour(1) || neighbour(-1);
      results.remove([id]);
      known.delete(id);
      if (next) go(next, 0);
      else dialog.close();
    } }, say("res_delete"));
    const compare = pressable("action", { onclick: () => {
      dialog.close();
      openCompare(id);
    } }, say("compare_with"));
    const fits = run.is_there ? [act_("values", "use_values"), act_("seed", "new_seed", say("new_seed_hint"))] : [];
    const again = run.live ? [] : [act_("again", "same_again", say("same_again_hint"))];
    const own = run.own ? [star, ...(run.live ? [] : [remove])] : [];
    const recipe = recipeButton(id, shared);
    for (const one of [link, recipe]) one.classList.add("stays"); // in the menu, to say that it is copied
    const further = [act_("open", "res_show_stage"), act_("template", "open_as_template"), ...(run.is_there ? [act_("keep_preset", "save_as_preset")] : []), link, recipe, workflow];
    return [...fits, ...again, compare, ...own, menu(say("more_actions"), further)];
  };

  return {
    open,
    isOpen: () => Boolean(dialog?.open),
    /* The runs to go on to are others now. */
    listed: () => run && drawPlace(),
    show: (id) => {
      known.delete(id);
      go(id, 0);
    },
    starred: (runs, on) => {
      if (!run || !runs.includes(run.run_id)) return;
      run.starred = on;
      drawStar();
    },
  };
})();

bridge.lightbox = lightbox.open;
