/* The head of a sheet: what it is called, how far it is, what is done with all of it, and what is shown ------ */

const sheetHead = (sheet) => {
  const FILTERS = ["all", "kept", "rejected", "failed"];
  const parts = {
    name: make("h2", { class: "cs-name" }), about: make("p", { class: "cs-about" }), acts: make("div", { class: "action-row cs-acts" }),
    line: make("p", { class: "cs-line", role: "status" }), bar: make("div", { class: "cs-bar-of", role: "progressbar", "aria-label": say("sh_progress"), "aria-valuemin": 0 }),
    steer: make("span", { class: "cs-steer" }), trouble: make("div", { class: "cs-trouble", role: "alert", hidden: true }), pages: make("div", { class: "cs-pages" }),
    seers: make("div", { class: "shared-line", hidden: true }),
    filters: make("div", { class: "cs-filters", role: "group", "aria-label": say("sh_show") }), shared: make("dl", { class: "cs-values", hidden: true }),
  };

  const build = () => {
    const back = pressable("cs-back", { title: say("sh_back_hint"), "aria-label": say("sh_back_hint"), onclick: () => openExperiments() });
    parts.fold = pressable("cs-fold", { "aria-expanded": "false", onclick: () => {
      parts.shared.hidden = !parts.shared.hidden;
      parts.fold.setAttribute("aria-expanded", String(!parts.shared.hidden));
    } }, say("sh_shared"));
    parts.bar.append(make("span", { class: "cs-bar-done" }), make("span", { class: "cs-bar-failed" }));
    parts.smaller = pressable("cs-zoom", { "aria-label": say("sh_smaller"), title: say("sh_smaller"), onclick: () => zoom(-1) }, "−");
    parts.larger = pressable("cs-zoom", { "aria-label": say("sh_larger"), title: say("sh_larger"), onclick: () => zoom(1) }, "+");
    return make("header", { class: "cs-head" },
      make("div", { class: "cs-top" }, back, make("div", { class: "cs-titles" }, parts.name, make("div", { class: "cs-under" }, parts.about, parts.fold, parts.seers)), parts.acts),
      parts.shared,
      parts.trouble,
      make("div", { class: "cs-tools" },
        make("div", { class: "cs-progress" }, parts.line, parts.bar, parts.steer), make("div", { class: "cs-view" }, parts.filters, make("span", { class: "cs-zooms" }, parts.smaller, parts.larger))),
      parts.pages);
  };

  const zoom = (by) => {
    const [canGrow, canShrink] = sheet.table.zoom(by);
    parts.larger.disabled = !canGrow;
    parts.smaller.disabled = !canShrink;
  };

  const drawAbout = () => {
    const { whole } = sheet;
    const axes = whole.axes.map((axis) => axis.title).join(" × ");
    setText(parts.about, [axes, whole.title, datedShort(whole.at)].filter(Boolean).join(" · "));
    parts.fold.hidden = !whole.shared.length;
    parts.shared.replaceChildren(...whole.shared.flatMap((one) => [make("dt", {}, one.label), make("dd", {}, one.text)]));
  };

  const draw = () => {
    const { now } = sheet;
    if (!parts.name.querySelector("input")) drawName();
    drawActs();
    drawSeers();
    drawProgress();
    drawPages();
    drawFilters();
    const said = [now.deleted ? say("sh_deleted") : "", now.problem].filter(Boolean).join(" ");
    drawTrouble(said, now.deleted && now.own ? pressable("link", { onclick: () => sheet.tell("restore") }, say("sh_undo")) : "");
  };

  const drawTrouble = (sentence, more = "") => {
    parts.trouble.hidden = !sentence;
    if (parts.trouble.dataset.key === sentence) return;
    parts.trouble.dataset.key = sentence;
    parts.trouble.replaceChildren(make("span", {}, sentence), more);
  };

  const drawName = () => {
    const { now, whole } = sheet;
    const name = now.name || whole.title;
    if (parts.name.dataset.key === name + now.own) return;
    parts.name.dataset.key = name + now.own;
    parts.name.replaceChildren(now.own ? pressable("cs-rename", { title: say("sh_rename"), onclick: rename }, name) : name);
  };
  const rename = () => {
    const field = make("input", { type: "text", class: "box", maxlength: "120", value: sheet.now.name, placeholder: sheet.whole.title, "aria-label": say("sh_name") });
    let isOver = false;
    const done = (keeps) => {
      if (isOver) return;
      isOver = true;
      if (keeps && field.value.trim() !== sheet.now.name) {
        sheet.now.name = field.value.trim();
        sheet.tell("rename", { name: sheet.now.name });
      }
      parts.name.dataset.key = "";
      const hadFocus = field === document.activeElement;
      parts.name.replaceChildren();
      drawName();
      if (hadFocus) parts.name.querySelector("button").focus();
    };
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.stopPropagation();
      done(event.key === "Enter");
    });
    field.addEventListener("blur", () => done(true));
    parts.name.replaceChildren(field);
    field.select();
  };

  const drawActs = () => {
    const { now, id } = sheet;
    const key = JSON.stringify([now.own, now.is_there, now.deleted, Boolean(now.counts.kept), lang]);
    if (parts.acts.dataset.key === key) return;
    parts.acts.dataset.key = key;
    const link = pressable("action stays", { onclick: async () => {
      await copyText(new URL(`?view=experiments&experiment=${encodeURIComponent(id)}`, location.href).href);
      if (sheet.now.shared === false) sheet.tell("share");
      setText(link, say("copied"));
      setTimeout(() => setText(link, say("copy_link")), 1500);
    } }, say("copy_link"));
    const more = [link, ...(now.own ? [pressable("action", { onclick: rename }, say("sh_rename")), pressable("action is-bad", { onclick: () => sheet.tell("delete") }, say("sh_delete"))] : [])];
    parts.acts.replaceChildren(
      ...(now.is_there ? [pressable("action", { title: say("sh_repeat_hint"), onclick: () => planExperiment({ ...sheet.whole.plan, basedOn: id }) }, say("sh_repeat"))] : []),
      sheet.exports(),
      menu(say("sh_more"), more));
  };

  /* Who else sees one's own sheet, where people sign in. */
  const drawSeers = () => {
    parts.seers.hidden = !sheet.now.shared;
    const key = JSON.stringify([sheet.now.shared, lang]);
    if (parts.seers.dataset.key === key) return;
    parts.seers.dataset.key = key;
    const hadFocus = parts.seers.contains(document.activeElement);
    const back = pressable("link", { onclick: () => sheet.tell("unshare") }, say("shared_only_me"));
    parts.seers.replaceChildren(...(sheet.now.shared ? [make("span", { role: "status" }, say("sh_shared_link")), back] : []));
    if (hadFocus) parts.acts.querySelector(".menu-button:not(.cs-export *)")?.focus();
  };

  const drawProgress = () => {
    const { now } = sheet;
    const { counts } = now;
    setText(parts.line, now.line);
    const share = (...states) => states.reduce((sum, state) => sum + (counts[state] || 0), 0) / Math.max(1, counts.all);
    parts.bar.style.setProperty("--done", share("completed"));
    parts.bar.style.setProperty("--failed", share("failed", "cancelled"));
    parts.bar.setAttribute("aria-valuemax", counts.all);
    parts.bar.setAttribute("aria-valuenow", Math.round(counts.all * share("completed", "failed", "cancelled")));
    const steer = [];
    if (now.own && !now.deleted) {
      if (now.state === "running") steer.push(["pause", "sh_pause"], ["stop", "sh_stop"]);
      if (now.state === "paused") steer.push(["resume", "sh_resume"], ["stop", "sh_stop"]);
      if (now.state === "stopped" && share("waiting", "cancelled")) steer.push(["resume", "sh_resume"]);
      if (counts.failed || (now.state === "done" && counts.cancelled)) steer.push(["retry", counts.failed ? "sh_retry_all" : "sh_retry_stopped"]);
    }
    drawSteer(steer);
  };
  const drawSteer = (steer) => {
    const key = JSON.stringify([steer, lang]);
    if (parts.steer.dataset.key === key) return;
    parts.steer.dataset.key = key;
    const focused = parts.steer.contains(document.activeElement);
    const every = (...states) => sheet.cells.filter((cell) => states.includes(cell.state)).map((cell) => cell.index);
    const act = { retry: () => sheet.deeds.again(sheet.now.state === "done" ? every("failed", "cancelled") : every("failed")) };
    parts.steer.replaceChildren(...steer.map(([action, words]) => pressable("action", { onclick: act[action] || (() => sheet.tell(action)) }, say(words))));
    if (focused) (parts.steer.querySelector("button") || sheet.table.element.querySelector(".cs-open[tabindex='0']"))?.focus();
  };

  const drawPages = () => {
    const { whole, page, short } = sheet;
    const axis = whole.axes.length > 2 && sheet.filter === "all" ? whole.axes[0] : null;
    parts.pages.hidden = !axis;
    if (!axis) return;
    const key = JSON.stringify([page, lang]);
    if (parts.pages.dataset.key === key) return;
    parts.pages.dataset.key = key;
    const turned = parts.pages.contains(document.activeElement) ? document.activeElement.dataset.by || "tab" : "";
    const { turn } = sheet.laying;
    const count = axis.labels.length;
    const tabs = short[0].map((label, place) =>
      make("button", { type: "button", class: "cs-page", role: "tab", "aria-selected": String(place === page), tabindex: place === page ? 0 : -1, title: axis.labels[place], "aria-label": phrase("sh_page", { title: axis.title, label: axis.labels[place], place: place + 1, count }), onclick: () => turn(place) }, label));
    const arrow = (by, words, sign) => pressable("cs-turn", { "data-by": String(by), "aria-label": say(words), title: say(words), disabled: page + by < 0 || page + by >= count, onclick: () => turn(page + by) }, sign);
    const list = make("div", { class: "cs-tabs", role: "tablist", "aria-label": axis.title }, ...tabs);
    list.addEventListener("keydown", (event) => {
      const to = { ArrowRight: page + 1, ArrowLeft: page - 1, Home: 0, End: count - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      turn(to);
    });
    parts.pages.replaceChildren(make("span", { class: "cs-pages-title" }, axis.title), arrow(-1, "sh_previous_page", "‹"), list, arrow(1, "sh_next_page", "›"));
    tabs[page].scrollIntoView({ block: "nearest", inline: "nearest" });
    if (turned) (parts.pages.querySelector(`[data-by="${turned}"]:enabled`) || tabs[page]).focus();
  };

  const drawFilters = () => {
    const { counts } = sheet.now;
    const count = (one) => (one === "all" ? counts.all : counts[one] || 0);
    const key = JSON.stringify([sheet.filter, FILTERS.map(count), lang]);
    if (parts.filters.dataset.key === key) return;
    parts.filters.dataset.key = key;
    const focused = parts.filters.contains(document.activeElement) ? document.activeElement.dataset.filter : "";
    const shown = FILTERS.filter((one) => ["all", "kept"].includes(one) || count(one) || one === sheet.filter);
    const chip = (one) => pressable("chip", { "data-filter": one, "aria-pressed": String(one === sheet.filter), onclick: () => sheet.laying.show(one) }, make("span", {}, say(`sh_${one}`)), make("span", { class: "cs-number" }, count(one).toLocaleString(lang)));
    parts.filters.replaceChildren(...shown.map(chip));
    if (focused) parts.filters.querySelector(`[data-filter="${focused}"]`)?.focus();
  };

  return { build, draw, drawAbout, drawTrouble, zoom };
};
