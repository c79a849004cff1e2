/* What the page does by itself: searches the library, draws the stage, keeps a seed whole, marks wrong
   fields. Python says what to show; texts are always put in as texts. */
(() => {
  "use strict";
  const table = "%WORDS%";
  let lang = "en";
  const say = (key) => (table[lang] || table.en)[key];
  const byId = (id) => document.getElementById(id);
  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  const bridge = (window.bridge = {});

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === false || value === null || value === undefined) continue;
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children);
    return element;
  };
  const setText = (element, text) => {
    if (element && element.textContent !== text) element.textContent = text;
  };

  /* What the whole tab is in the middle of, for the style: Gradio's own css reaches no further up. */
  const mark = (name, value) => {
    const root = byId("create");
    if (!root) return;
    if (value) root.dataset[name] = value;
    else delete root.dataset[name];
  };

  /* Library ------------------------------------------------------------------------------------ */

  let current = "";
  let tag = "";

  const markCurrent = () => {
    for (const card of document.querySelectorAll("#library .card")) {
      const isIt = card.dataset.slug === current;
      if (isIt) card.setAttribute("aria-current", "true");
      else card.removeAttribute("aria-current");
    }
  };

  const filter = (root) => {
    const search = root.querySelector(".search");
    if (!search) return;
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const card of root.querySelectorAll(".card")) {
      const fits =
        wanted.every((word) => card.dataset.said.includes(word)) &&
        (!tag || card.dataset.tags.split("|").includes(tag));
      card.parentElement.hidden = !fits;
      if (fits) shown += 1;
    }
    for (const chip of root.querySelectorAll(".chip"))
      chip.setAttribute("aria-pressed", String(chip.dataset.tag === tag));
    const none = root.querySelector(".no-match");
    if (none) none.hidden = shown > 0 || !root.querySelector(".card");
  };

  const openLibrary = (open) => {
    mark("library", open && "open");
    if (open) byId("search-templates")?.focus({ preventScroll: true });
    else document.querySelector("#form-head .open-library")?.focus({ preventScroll: true });
  };

  bridge.library = (element, trigger, watch) => {
    keep = () => trigger("select");
    look = () => goal && trigger("input", { slug: goal });
    const settle = () => {
      if (tag && ![...element.querySelectorAll(".chip")].some((chip) => chip.dataset.tag === tag)) tag = "";
      filter(element);
      markCurrent();
    };
    element.addEventListener("input", (event) => {
      if (event.target.matches(".search")) filter(element);
    });
    element.addEventListener("click", (event) => {
      const card = event.target.closest(".card");
      const chip = event.target.closest(".chip");
      if (chip) {
        tag = chip.dataset.tag;
        filter(element);
      } else if (card) {
        if (card.dataset.slug !== current) {
          trigger("click", { slug: card.dataset.slug });
          pick(card.dataset.slug);
        }
        if (byId("create")?.dataset.library) openLibrary(false);
      } else if (event.target.closest(".close-library")) {
        openLibrary(false);
      }
    });
    element.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
      const cards = [...element.querySelectorAll("li:not([hidden]) > .card")];
      if (!cards.length) return;
      const at = cards.indexOf(document.activeElement);
      if (at < 0 && !event.target.matches(".search")) return;
      event.preventDefault();
      const next = at + (event.key === "ArrowDown" ? 1 : -1);
      if (next < 0) element.querySelector(".search").focus();
      else cards[Math.min(next, cards.length - 1)].focus();
    });
    watch("value", settle);
    settle();
  };

  /* Which form is shown: none for a moment between two, for Gradio would hand what the one held to the
     other. What was picked last wins, however quickly one picks. */
  let keep = () => {}; // asks the form on the page for what it holds
  let look = () => {}; // asks whether the form has become another one
  let kept = null; // called once the server has it
  let goal = "";
  let picking = false;
  let show = null; // puts a slug into the component that the form is rendered from

  const nextFrame = () => new Promise((done) => (document.hidden ? setTimeout(done, 30) : requestAnimationFrame(done)));

  /* Before the form goes, for its listeners go with it. */
  const handIn = () =>
    new Promise((done) => {
      const head = document.querySelector("#form-head [data-current]");
      if (!head || head.dataset.current === replaced) return done();
      kept = done;
      setTimeout(done, 2000);
      keep();
    });

  bridge.news = (watch) => watch("value", () => look());
  bridge.kept = (watch) => watch("value", () => kept?.());

  let replaced = ""; // the slug whose kept values the server has just replaced

  const pick = async (slug) => {
    current = goal = slug;
    markCurrent();
    if (picking || !show) return;
    picking = true;
    try {
      await handIn();
      replaced = "";
      show("");
      const patience = Date.now() + 5000;
      while (byId("form-head") && Date.now() < patience) await nextFrame();
      const shown = goal;
      show(shown);
      while (shown && !byId("form-head") && Date.now() < patience + 10000) await nextFrame();
      if (goal !== shown) setTimeout(() => pick(goal), 0);
    } finally {
      picking = false;
    }
  };

  bridge.picked = (props) => {
    show = (slug) => {
      props.value = slug; // a change event of its own, and with it a render
    };
    if (goal) pick(goal);
  };

  bridge.wanted = (props, watch) => {
    const follow = () => {
      if (!props.value?.slug) return;
      replaced = props.value.replaces ? props.value.slug : "";
      pick(props.value.slug);
    };
    watch("value", follow);
    follow();
  };

  /* Form --------------------------------------------------------------------------------------- */

  bridge.head = (element) => {
    const heading = element.querySelector("[data-current]");
    if (!heading) return;
    current = heading.dataset.current;
    markCurrent();
  };

  bridge.tooltips = (props, watch) => {
    const put = () => {
      for (const [id, words] of Object.entries(props.value || {})) {
        const field = byId(id);
        const label = field?.querySelector("[data-testid=block-info], label > span, .field-label, .label-wrap");
        (label || field)?.setAttribute("title", words);
      }
    };
    watch("value", put);
    setTimeout(put, 0);
    setTimeout(put, 400);
  };

  const clearField = (field) => {
    field.classList.remove("is-wrong");
    field.querySelector(":scope > .field-error")?.remove();
    for (const control of field.querySelectorAll("[aria-invalid]")) {
      control.removeAttribute("aria-invalid");
      control.removeAttribute("aria-describedby");
    }
  };

  const markField = (field, sentence) => {
    clearField(field);
    field.classList.add("is-wrong");
    const id = `${field.id}-error`;
    field.append(make("p", { class: "field-error", id, role: "alert" }, sentence));
    for (const control of field.querySelectorAll("input, textarea")) {
      control.setAttribute("aria-invalid", "true");
      control.setAttribute("aria-describedby", id);
    }
    const once = () => {
      clearField(field);
      field.removeEventListener("input", once);
    };
    field.addEventListener("input", once);
  };

  const unfold = (field) => {
    const folded = field.closest("#advanced");
    const toggle = folded?.querySelector(":scope > button, button.label-wrap");
    if (toggle && !toggle.classList.contains("open")) toggle.click();
  };

  bridge.refusals = (element, props, watch) => {
    const sentence = element.querySelector(".refused");
    const draw = () => {
      busy(false);
      for (const field of document.querySelectorAll(".is-wrong")) clearField(field);
      const { fields = {}, sentence: said = "" } = props.value || {};
      const lost = [];
      let first = null;
      for (const [id, words] of Object.entries(fields)) {
        const field = byId(id);
        if (field) {
          markField(field, words);
          first = first || field;
        } else lost.push(words);
      }
      setText(sentence, [said, ...lost].filter(Boolean).join(" "));
      sentence.hidden = !sentence.textContent;
      if (!first) return;
      unfold(first);
      requestAnimationFrame(() => {
        first.scrollIntoView({ block: "center", behavior: calm() ? "auto" : "smooth" });
        first.querySelector("input:not([type=hidden], [role=combobox], [type=file]), textarea")?.focus({ preventScroll: true });
      });
    };
    watch("value", draw);
  };

  bridge.seed = (element, props, watch) => {
    const root = element.closest("[id^=input-]") || element;
    const number = element.querySelector(".seed-number");
    const label = element.querySelector(".field-label");
    const random = element.querySelector(".seed-random");
    const roll = element.querySelector(".seed-roll");
    const last = element.querySelector(".seed-last");
    const words = props.say;
    number.id = `${root.id}-number`;
    label.htmlFor = number.id;
    label.textContent = props.label;
    number.placeholder = words.placeholder;
    random.textContent = words.random;
    roll.title = words.roll;
    roll.setAttribute("aria-label", words.roll);
    last.title = words.use;
    let offered = props.hint;
    let offer = words.workflow;
    const draw = () => {
      if (number.value !== String(props.value ?? "")) number.value = props.value ?? "";
      random.setAttribute("aria-pressed", String(!number.value.trim()));
      last.hidden = !offered || offered === number.value.trim();
      last.textContent = offer.replace("{seed}", offered);
    };
    const put = (value) => {
      props.value = value;
      draw();
      root.dispatchEvent(new Event("input"));
    };
    number.addEventListener("input", () => {
      props.value = number.value.trim();
      draw();
    });
    random.addEventListener("click", () => put(number.value.trim() ? "" : offered || drawn()));
    roll.addEventListener("click", () => put(drawn()));
    last.addEventListener("click", () => put(offered));
    root.bridgeSeed = (seed) => {
      offered = seed;
      offer = words.last;
      draw();
    };
    watch("value", draw);
    draw();
  };

  const drawn = () => {
    const [high, low] = crypto.getRandomValues(new Uint32Array(2));
    return String((BigInt(high & 0x1fffff) << 32n) | BigInt(low)); // below 2**53, as ComfyUI's own page draws
  };

  let patience = 0;

  const busy = (is) => {
    const line = document.querySelector("#status .line");
    clearTimeout(patience);
    if (is) {
      setText(line, say("sending"));
      patience = setTimeout(() => busy(false), 20000);
    } else if (line?.textContent === say("sending")) drawStatus();
    const button = byId("generate");
    button?.classList.toggle("is-busy", is);
    button?.setAttribute("aria-busy", String(is));
  };

  /* Stage -------------------------------------------------------------------------------------- */

  let view = null; // the newest StageView
  let turn = 0; // when the page turned to what it shows
  let chosen = 0; // which file of the run is in the frame
  let source = null; // the open stream of previews
  let streaming = ""; // its run
  let ask = () => {};

  const layer = (name) => document.querySelector(`#frame .layer.${name}`);
  const only = (name) => {
    for (const each of document.querySelectorAll("#frame .layer"))
      each.classList.toggle("is-shown", each.classList.contains(name));
  };

  /* Put a picture into a layer once it can be painted, so that nothing blinks. */
  const showPicture = async (name, url, alt, stillWanted) => {
    const image = layer(name);
    if (image.dataset.url === url) {
      only(name);
      return;
    }
    const ahead = new Image();
    ahead.src = url;
    try {
      await ahead.decode();
    } catch {
      return;
    }
    if (!stillWanted()) return;
    image.src = url;
    image.alt = alt;
    image.dataset.url = url;
    only(name);
  };

  const stopStream = () => {
    source?.close();
    source = null;
    streaming = "";
  };

  const stream = (runId) => {
    if (streaming === runId) return;
    stopStream();
    streaming = runId;
    source = new EventSource(`live/${encodeURIComponent(runId)}`);
    let newest = 0;
    source.addEventListener("preview", (event) => {
      const frame = JSON.parse(event.data);
      newest = frame.v;
      const wanted = () =>
        streaming === runId && newest === frame.v && view.run_id === runId && (view.live || !view.files.length);
      const image = layer("preview");
      image.dataset.url = "";
      showPicture("preview", frame.src, say("preview_of").replace("{title}", view.title), wanted);
    });
    source.addEventListener("end", () => {
      if (streaming === runId) {
        source.close();
        source = null;
      }
    });
  };

  const drawFrame = () => {
    const frame = byId("frame");
    frame.style.setProperty("--ratio", view.ratio);
    frame.dataset.phase = view.phase;
    const file = view.files[chosen];
    const other = layer("other");
    if (file && !view.live) {
      if (file.kind === "image") {
        const runId = view.run_id;
        showPicture("result", file.url, say("result_of").replace("{title}", view.title), () => view.run_id === runId && view.files[chosen] === file);
      } else {
        if (other.dataset.url !== file.url) {
          other.dataset.url = file.url;
          other.replaceChildren(player(file));
        }
        only("other");
      }
    } else if (view.phase === "nothing") {
      const cover = view.cover;
      if (cover) showPicture("cover", cover, "", () => view.phase === "nothing" && view.cover === cover);
      else only("none");
    } else if (["failed", "unknown"].includes(view.phase) || (view.phase === "cancelled" && !layer("preview").dataset.url)) {
      only("none");
    }
    drawMessage(frame.querySelector(".message"));
  };

  const player = (file) => {
    if (file.kind === "video") return make("video", { src: file.url, controls: true, loop: true, playsinline: true });
    if (file.kind === "audio") return make("audio", { src: file.url, controls: true });
    return make("a", { class: "file", href: file.download, download: file.name }, file.name);
  };

  let drawnMessage = "";
  const drawMessage = (box) => {
    const error = view.error;
    const key = JSON.stringify([view.phase, view.run_id, error, view.phase === "nothing" && view.line, view.files.length]);
    if (key === drawnMessage) return;
    drawnMessage = key;
    box.replaceChildren();
    const isExample = view.phase === "nothing" && view.cover;
    setText(document.querySelector("#frame .caption"), isExample ? view.line : "");
    if (view.phase === "unknown" || (view.phase === "nothing" && !view.cover)) {
      box.append(make("p", { class: "message-title" }, view.line), make("p", {}, view.hint));
    } else if (error && !view.files.length) {
      box.append(errorCard(error));
    }
    box.hidden = !box.childNodes.length;
  };

  const errorCard = (error) => {
    const card = make("div", { class: "error-card", role: "alert" }, make("p", { class: "message-title" }, error.title));
    if (error.where) card.append(make("p", { class: "where" }, error.where));
    card.append(make("p", { class: "what" }, error.message));
    if (error.advice) card.append(make("p", { class: "advice" }, error.advice));
    if (error.again) card.append(action("again", say("run_again")));
    if (error.details)
      card.append(make("details", {}, make("summary", {}, say("details")), make("pre", {}, error.details)));
    return card;
  };

  const action = (name, words) =>
    make("button", { type: "button", class: "action", onclick: () => ask({ action: name, run: view.run_id }) }, words);

  const drawStatus = () => {
    const status = byId("status");
    if (!view || !status?.querySelector(".bar")) return;
    const isSaid = ["nothing", "unknown"].includes(view.phase); // in the frame
    setText(status.querySelector(".line"), isSaid ? "" : view.line);
    setText(status.querySelector(".hint"), isSaid && !view.cover ? "" : view.hint);
    // Every step read aloud would be noise: only what begins and what ends is.
    if (status.dataset.phase !== view.phase) setText(status.querySelector(".announced"), isSaid ? "" : view.line);
    const bar = status.querySelector(".bar");
    const percent = Math.round(view.share * 100);
    bar.dataset.run = bar.dataset.run === view.run_id ? view.run_id : ((bar.dataset.share = "0"), view.run_id);
    const share = Math.max(view.share, Number(bar.dataset.share || 0));
    bar.dataset.share = String(share);
    bar.setAttribute("aria-valuenow", String(percent));
    bar.setAttribute("aria-label", say("progress"));
    bar.querySelector(".done").style.transform = `scaleX(${share})`;
    bar.classList.toggle("is-moving", view.live && (view.moving || view.phase === "queued" || view.phase === "saving"));
    status.dataset.phase = view.phase;
    mark("live", view.live && "yes");
    byId("stop")?.classList.toggle("is-waiting", view.stopping);
    document.title = view.live ? `${percent} % · ComfyUI Bridge` : "ComfyUI Bridge";
  };

  let drawnAfter = "";
  const drawAfter = () => {
    const root = document.querySelector("#after .after");
    if (!root) return;
    const key = JSON.stringify([view.run_id, view.phase, view.files, view.texts, view.warnings, chosen]);
    if (key === drawnAfter) return;
    drawnAfter = key;
    root.replaceChildren();
    if (view.live || !view.run_id || view.phase === "unknown") return;
    const file = view.files[chosen];
    const row = make("div", { class: "action-row" });
    if (file) row.append(make("a", { class: "action main", href: file.download, download: file.name, title: `${file.name} · ${file.size}` }, say("download")));
    if (view.archive) row.append(make("a", { class: "action", href: view.archive, download: true }, say("download_all")));
    if (file?.kind === "image") row.append(make("a", { class: "action", href: file.url, target: "_blank", rel: "noopener" }, say("open_full")));
    row.append(action("values", say("use_values")), copyLink());
    root.append(row);
    if (view.files.length > 1) root.append(filmstrip());
    if (view.error && view.files.length) root.append(errorCard(view.error));
    for (const text of view.texts) root.append(make("pre", { class: "text-output" }, text));
    for (const warning of view.warnings) root.append(make("p", { class: "warning" }, warning));
  };

  const filmstrip = () => {
    const list = make("ul", { class: "strip files", "aria-label": say("this_run") });
    view.files.forEach((file, index) => {
      const inside = file.thumbnail ? make("img", { src: file.thumbnail, alt: "", loading: "lazy" }) : make("span", { class: "no-picture" }, file.kind);
      const pick = () => {
        chosen = index;
        drawFrame();
        drawAfter();
        byId("after").querySelectorAll(".files .tile")[index]?.focus();
      };
      list.append(make("li", {}, make("button", { type: "button", class: "tile", "aria-label": file.name, "aria-current": index === chosen ? "true" : null, onclick: pick }, make("span", { class: "thumb" }, inside))));
    });
    return list;
  };

  const copyLink = () =>
    make("button", { type: "button", class: "action", onclick: async (event) => {
      const button = event.currentTarget;
      const url = new URL(view.link, location.href).href;
      try {
        await navigator.clipboard.writeText(url);
      } catch {
        const field = make("input", { value: url, class: "off-screen" });
        document.body.append(field);
        field.select();
        document.execCommand("copy");
        field.remove();
      }
      setText(button, say("copied"));
      setTimeout(() => setText(button, say("copy_link")), 1500);
    } }, say("copy_link"));

  const rememberSeeds = () => {
    if (view.live && view.phase === "queued") return;
    for (const [id, seed] of Object.entries(view.seeds)) byId(id)?.bridgeSeed?.(seed);
  };

  const noteAddress = () => {
    if (!view.run_id || view.phase === "unknown") return;
    const address = new URL(location.href);
    if (address.searchParams.get("run") === view.run_id) return;
    const kept = new URLSearchParams();
    for (const key of ["__lang", "__theme"]) if (address.searchParams.has(key)) kept.set(key, address.searchParams.get(key));
    kept.set("run", view.run_id);
    history.replaceState(null, "", `?${kept}`);
  };

  bridge.stage = (element, props, trigger, watch) => {
    ask = (what) => trigger("select", what);
    const draw = () => {
      const next = props.value;
      if (!next?.phase || next.turn < turn) return;
      turn = next.turn;
      if (!view || next.run_id !== view.run_id) {
        chosen = 0;
        stopStream();
        layer("preview").dataset.url = "";
        // Another run's half-painted picture would look like this one's, frozen.
        if (layer("preview").classList.contains("is-shown")) only("none");
        if (view && next.live && matchMedia("(max-width: 719px)").matches)
          byId("stage").scrollIntoView({ block: "start", behavior: calm() ? "auto" : "smooth" });
      }
      view = next;
      lang = next.lang;
      document.documentElement.lang = lang === "zh" ? "zh-CN" : lang;
      busy(false);
      drawFrame();
      drawStatus();
      drawAfter();
      rememberSeeds();
      noteAddress();
      markStrip();
      if (view.live) stream(view.run_id);
      else stopStream();
    };
    watch("value", draw);
    draw();
  };

  /* The parts below the frame come to be after it. */
  bridge.below = () => {
    if (!view) return;
    drawStatus();
    drawAfter();
  };

  const markStrip = () => {
    for (const tile of document.querySelectorAll("#strip .tile")) {
      if (tile.dataset.run === view?.run_id) tile.setAttribute("aria-current", "true");
      else tile.removeAttribute("aria-current");
    }
  };
  bridge.strip = (element, watch) => {
    watch("value", markStrip);
    markStrip();
  };

  /* The whole page ------------------------------------------------------------------------------ */

  const openTab = (name) => {
    const names = ["create", "results", "servers"];
    document.querySelectorAll("#tabs [role=tab]")[names.indexOf(name)]?.click();
  };

  document.addEventListener("click", (event) => {
    if (event.target.closest(".open-library")) openLibrary(true);
    const tab = event.target.closest("[data-tab]");
    if (tab) openTab(tab.dataset.tab);
    const tile = event.target.closest("a[data-run]");
    if (tile && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
      event.preventDefault();
      openTab("create");
      ask({ action: "open", run: tile.dataset.run });
    }
    if (event.target.closest("#generate:not([disabled])") && byId("form-head")) busy(true);
    if (byId("create")?.dataset.library && event.target === byId("create")) openLibrary(false);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const button = byId("generate");
      if (button && !button.disabled) {
        event.preventDefault();
        event.stopPropagation();
        button.click();
      }
    }
    if (event.key === "Escape" && byId("create")?.dataset.library) openLibrary(false);
  }, true);

  /* A cover or thumbnail that is not there makes way for what stands behind it. */
  document.addEventListener("error", (event) => {
    if (event.target.matches?.(".card .cover img, .tile img")) event.target.remove();
  }, true);
})();
