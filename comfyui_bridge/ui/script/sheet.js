/* An experiment's sheet ---------------------------------------------------------------------------
   It fills while its runs end: what changed since the version that is here is asked for, for as long as
   somebody looks and something may still change. */

const showSheet = (container, id) => {
  const OFTEN_MS = 700;
  const SELDOM_MS = 4000;
  const FILTERS = ["all", "kept", "rejected", "failed"];
  const address = `experiments/${encodeURIComponent(id)}`;
  let now = null; // the newest answer
  let whole = null; // what stays as it is
  let version = "";
  let timer = 0;
  let asking = null;
  let isShown = false;
  let isClosed = false;
  const cells = []; // by index
  const chosen = new Set();
  let page = 0; // of the third axis
  let filter = "all";
  let blind = -1; // the cell that waits for a second one to be compared with
  let hasRatio = false; // as a picture that came has it

  /* What is asked ------------------------------------------------------------------------------- */

  const isUnfinished = () => now.state === "running" || ["pending", "in_progress"].some((state) => now.counts[state]);

  const look = async () => {
    clearTimeout(timer);
    asking?.abort();
    const mine = (asking = new AbortController());
    try {
      const answer = await fetch(`${address}?${new URLSearchParams({ since: version, lang })}`, { signal: mine.signal });
      const told = await answer.json().catch(() => ({}));
      if (!answer.ok) throw new Error(told.error || answer.statusText);
      if (isClosed || asking !== mine) return;
      take(told);
      lookLater(now.state === "paused" && !now.counts.in_progress ? SELDOM_MS : OFTEN_MS);
    } catch (error) {
      if (error.name === "AbortError" || isClosed) return;
      drawTrouble(error.message);
      if (whole) lookLater(SELDOM_MS);
    }
  };
  const lookLater = (after) => {
    clearTimeout(timer);
    if (isShown && !document.hidden && (isUnfinished() || now.state === "paused")) timer = setTimeout(look, after);
  };

  const take = (told) => {
    const isFirst = Boolean(told.whole);
    now = told;
    version = told.version;
    if (isFirst) {
      whole = told.whole;
      cells.length = 0;
    }
    for (const cell of told.cells) cells[cell.index] = cell;
    if (isFirst) begin();
    else {
      if (filter !== "all" && told.cells.some((cell) => fits(cell) !== table.has(cell.index))) lay(true);
      else table.redraw(told.cells.map((cell) => cell.index));
      drawHead();
      drawFoot();
    }
  };

  const tell = async (action, more = {}) => {
    const answer = await answered(fetch(address, { method: "POST", body: JSON.stringify({ action, lang, ...more }) }));
    if (answer.error) note(answer.error, true);
    look();
    return !answer.error;
  };

  /* Cells --------------------------------------------------------------------------------------- */

  const lengths = () => whole.axes.map((axis) => axis.labels.length);
  const placeOf = (index) => {
    let rest = index;
    return lengths().reverse().map((length) => [rest % length, (rest = Math.floor(rest / length))][0]).reverse();
  };
  const labelsOf = (index) => placeOf(index).map((place, axis) => whole.axes[axis].labels[place]);
  const nameOf = (index) => labelsOf(index).join(" · ") || now.name || whole.title;
  const fits = (cell) => filter === "all" || cell.verdict === filter || cell.state === filter;
  const fileOf = (cell) => `media/${encodeURIComponent(cell.run)}/${encodeURIComponent(cell.file)}`;
  const goTo = (index) => {
    table.focus(index);
    drawFoot();
  };
  const hasPicture = (cell) => cell?.kind === "image";
  const stateWords = (cell) => {
    if (cell.state === "in_progress" && cell.share) return phrase("sh_running_share", { percent: Math.round(100 * cell.share) });
    return ["waiting", "skipped", "gone"].includes(cell.state) ? say(`sh_${cell.state}`) : say(`state_${cell.state}`);
  };
  const canRun = (cell) => now.own && ["completed", "failed", "cancelled", "gone"].includes(cell.state);

  const drawCell = (box, index, isCursor) => {
    const cell = cells[index];
    box.dataset.state = cell.state;
    box.dataset.verdict = cell.verdict || "";
    box.classList.toggle("is-blind", index === blind);
    box.setAttribute("aria-selected", String(chosen.has(index)));
    const key = JSON.stringify([cell.state, cell.run, cell.file, cell.why, cell.text, cell.reused, filter, table.width() > 230, lang]);
    if (box.dataset.key !== key) {
      // What comes while one looks comes softly; what is scrolled to is there at once.
      const isFresh = Boolean(box.dataset.key);
      box.dataset.key = key;
      fillCell(box, cell);
      if (isFresh) box.querySelector("img")?.classList.add("is-fresh");
    }
    const open = box.querySelector(".cs-open");
    open.tabIndex = isCursor ? 0 : -1;
    const said = [cell.why || stateWords(cell), cell.verdict && say(`sh_${cell.verdict}`), cell.reused && say("sh_reused")].filter(Boolean).join(", ");
    open.setAttribute("aria-label", phrase("sh_cell", { labels: nameOf(index), state: said }));
    if (cell.state === "in_progress") box.style.setProperty("--share", cell.share || 0);
    if (chosen.size) dress(box);
    pressed(box, cell);
  };

  const fillCell = (box, cell) => {
    const hadFocus = box.contains(document.activeElement);
    const labels = nameOf(cell.index);
    const open = cell.run
      ? make("a", { class: "cs-open", href: `?run=${encodeURIComponent(cell.run)}`, title: cell.why || null }, shownOf(cell))
      : pressable("cs-open", { title: cell.why || null }, shownOf(cell));
    const tools = [];
    if (now.own && ["failed", "cancelled", "gone"].includes(cell.state)) tools.push(pressable("cs-again", { tabindex: "-1", "aria-label": `${say("sh_again")}: ${labels}` }, say("sh_again")));
    const badges = [cell.reused ? make("span", { title: say("sh_reused") }, "↺") : "", cell.count ? make("span", { title: phrase("res_files", { count: cell.count }) }, String(cell.count)) : ""].filter(Boolean);
    if (badges.length) tools.push(make("span", { class: "cs-badges", "aria-hidden": "true" }, ...badges));
    if (isFlowing()) tools.push(make("span", { class: "cs-caption", title: labels }, captionOf(cell.index)));
    box.replaceChildren(open, ...tools);
    if (hadFocus) open.focus({ preventScroll: true });
  };

  /* What a mouse needs on a cell: where it is, or where some are chosen. On thousands it would be in the way. */
  const dress = (box) => {
    const cell = cells[box.dataset.index];
    if (!now.own || !hasResult(cell.index) || box.querySelector(".cs-pick")) return;
    const labels = nameOf(cell.index);
    const tool = (look_, name, attributes = {}) => pressable(look_, { tabindex: "-1", "aria-label": phrase(name, { labels }), title: phrase(name, { labels }), ...attributes });
    box.append(tool("cs-pick", "sh_pick", { role: "checkbox" }), make("span", { class: "cs-verdicts" }, tool("cs-kept", "sh_keep_cell"), tool("cs-rejected", "sh_reject_cell")));
    pressed(box, cell);
  };
  const pressed = (box, cell) => {
    box.querySelector(".cs-pick")?.setAttribute("aria-checked", String(chosen.has(cell.index)));
    for (const verdict of ["kept", "rejected"]) box.querySelector(`.cs-${verdict}`)?.setAttribute("aria-pressed", String(cell.verdict === verdict));
  };

  const shownOf = (cell) => {
    const box = make("span", { class: "cs-shown" });
    if (cell.file && hasPicture(cell)) {
      const wanted = table.width() * Math.min(2, devicePixelRatio);
      const image = make("img", { src: `${fileOf(cell)}?size=${wanted > 300 ? 512 : 256}`, alt: "", decoding: "async", draggable: "false" });
      image.addEventListener("load", () => {
        image.classList.add("is-there");
        takeRatio(image);
      }, { once: true });
      image.addEventListener("error", () => image.remove(), { once: true });
      box.append(image);
    } else if (cell.file) box.append(make("span", { class: "cs-kind" }, make("b", {}, (cell.file.split(".").pop() || cell.kind).toUpperCase()), make("span", {}, cell.file)));
    else if (cell.text) box.append(make("span", { class: "cs-text" }, cell.text));
    else if (cell.state === "failed" || cell.why) box.append(make("span", { class: "cs-why" }, make("span", {}, cell.why || say("state_failed"))));
    else if (["cancelled", "gone"].includes(cell.state)) box.append(make("span", { class: "cs-quiet" }, stateWords(cell)));
    else if (cell.state === "in_progress") box.append(make("span", { class: "cs-running" }));
    return box;
  };

  /* The cells are as the pictures are that come, once. */
  const takeRatio = (image) => {
    if (hasRatio || !image.naturalHeight) return;
    hasRatio = true;
    const ratio = image.naturalWidth / image.naturalHeight;
    if (Math.abs(ratio / whole.ratio - 1) < 0.02) return;
    whole.ratio = Math.max(0.25, Math.min(4, ratio));
    table.ratio(whole.ratio);
  };

  /* The table ----------------------------------------------------------------------------------- */

  const table = sheetTable(drawCell);
  const isFlowing = () => whole.axes.length < 2 || filter !== "all";
  let short = []; // the axes' labels as far as they differ
  /* A number alone says little beside other labels. */
  const captionOf = (index) => placeOf(index).map((place, axis) => (whole.axes.length > 1 && short[axis][place].length <= 10 ? `${whole.axes[axis].title} ${short[axis][place]}` : short[axis][place])).join(" · ");

  const lay = (stays = false) => {
    const cursor = table.cursor();
    const hadFocus = table.element.contains(document.activeElement);
    const [columns, rows] = [whole.axes.at(-1), whole.axes.at(-2)];
    if (isFlowing()) {
      const shown = cells.filter((cell) => cell && fits(cell)).map((cell) => cell.index);
      table.lay({ cells: shown, across: 1, columns: null, rows: null, ratio: whole.ratio, captions: whole.axes.length > 0, titles: {}, whole: {} });
    } else {
      const count = columns.labels.length * rows.labels.length;
      table.lay({
        cells: Array.from({ length: count }, (_, place) => page * count + place), across: columns.labels.length,
        columns: short.at(-1), rows: short.at(-2), ratio: whole.ratio, captions: false,
        titles: { columns: columns.title, rows: rows.title }, whole: { columns: columns.labels, rows: rows.labels },
      });
    }
    if (stays && table.has(cursor)) table.reveal(cursor);
    if (hadFocus) table.focus(table.has(cursor) ? cursor : table.cursor());
    drawNothing();
  };

  const turn = (to) => {
    if (whole.axes.length < 3 || filter !== "all") return;
    const pages = whole.axes[0].labels.length;
    const next = Math.max(0, Math.min(pages - 1, to));
    if (next === page) return;
    const each = cells.length / pages;
    const cursor = next * each + (Math.max(0, table.cursor()) % each);
    const hadFocus = table.element.contains(document.activeElement);
    const [top, left] = [table.element.scrollTop, table.element.scrollLeft];
    page = next;
    lay();
    table.point(cursor);
    // Turning pages is comparing them: what one looks at stays in its place.
    [table.element.scrollTop, table.element.scrollLeft] = [top, left];
    if (hadFocus) table.focus(cursor);
    drawHead();
    drawFoot();
  };

  /* The cell with the keyboard, and those that are chosen. -------------------------------------- */

  const meant = () => (chosen.size ? [...chosen].sort((a, b) => a - b) : table.has(table.cursor()) ? [table.cursor()] : []);

  const judge = async (indices, verdict) => {
    const judged = indices.filter((index) => cells[index].run && cells[index].state === "completed");
    if (!now.own || !judged.length) return;
    const next = judged.every((index) => cells[index].verdict === verdict) ? "" : verdict;
    const before = new Map(judged.map((index) => [index, cells[index].verdict || ""]));
    const put = (of) => {
      for (const index of judged) count(cells[index], of(index));
      table.redraw(judged);
      drawHead();
      drawFoot();
    };
    put(() => next);
    setText(parts.said, phrase(`sh_said_${next || "none"}`, { labels: judged.map(nameOf).join(", ") }));
    if (!(await tell("judge", { cells: judged, verdict: next }))) put((index) => before.get(index));
  };
  /* A verdict is shown before the server has it. */
  const count = (cell, verdict) => {
    if (cell.verdict) now.counts[cell.verdict]--;
    if (verdict) now.counts[verdict] = (now.counts[verdict] || 0) + 1;
    cell.verdict = verdict;
  };

  const choose = (index, isRange) => {
    if (!hasResult(index)) return;
    const list = table.cells();
    const [from, to] = [list.indexOf(lastChosen), list.indexOf(index)];
    if (isRange && from >= 0 && to >= 0) for (const one of list.slice(Math.min(from, to), Math.max(from, to) + 1)) hasResult(one) && chosen.add(one);
    else if (!chosen.delete(index)) chosen.add(index);
    lastChosen = index;
    chosenChanged();
  };
  let lastChosen = -1;
  const hasResult = (index) => Boolean(cells[index]?.run) && cells[index].state === "completed";
  const chooseNone = () => {
    chosen.clear();
    blind = -1;
    chosenChanged();
  };
  const chosenChanged = () => {
    table.element.classList.toggle("is-choosing", chosen.size > 0);
    table.redraw();
    drawFoot();
  };

  const again = (indices) => {
    const some = indices.filter((index) => canRun(cells[index]));
    if (some.length) tell("again", { cells: some });
  };

  const openLarge = (index) => {
    const cell = cells[index];
    if (!cell?.run) return;
    const indices = table.cells().filter((one) => cells[one]?.run && cells[one].state !== "pending");
    const byRun = new Map(indices.map((one) => [cells[one].run, one]));
    const runs = [...byRun.keys()];
    lightbox.open(cell.run, {
      ids: () => (runs.includes(cell.run) ? runs : [cell.run]),
      row: table.elementOf(index)?.querySelector(".cs-open"),
      above: (run) => byRun.has(run) && aboveLarge(byRun.get(run)),
      typed: (key, run) => byRun.has(run) && typedLarge(key, byRun.get(run)),
      closed: (run) => byRun.has(run) && goTo(byRun.get(run)),
    });
  };
  /* In the large view: where the picture stands, and what one thinks of it. */
  let aboveBox = null;
  const aboveLarge = (index) => {
    aboveBox = make("div", { class: "cs-above" });
    drawAbove(index);
    return aboveBox;
  };
  const drawAbove = (index) => {
    const cell = cells[index];
    const press = (words, verdict) => pressable("action", { "aria-pressed": String(cell.verdict === verdict), "data-verdict": verdict, onclick: () => typedLarge(verdict === "kept" ? "k" : "x", index) }, say(words));
    const lines = labelsOf(index).flatMap((label, axis) => [make("dt", {}, whole.axes[axis].title), make("dd", {}, label)]);
    const row = now.own && hasResult(index) ? [make("div", { class: "action-row" }, press("sh_keep", "kept"), press("sh_reject", "rejected"), pressable("action", { onclick: () => promote(index) }, say("sh_promote")))] : [];
    const focused = aboveBox.contains(document.activeElement) ? document.activeElement.dataset.verdict : "";
    aboveBox.replaceChildren(make("dl", { class: "lb-table cs-where" }, ...lines), ...row);
    if (focused) aboveBox.querySelector(`[data-verdict="${focused}"]`)?.focus();
  };
  const typedLarge = (key, index) => {
    const act = { k: () => judge([index], "kept"), x: () => judge([index], "rejected"), p: () => promote(index) }[key];
    if (!act) return false;
    act();
    drawAbove(index);
    return true;
  };

  const compareBlind = (indices) => {
    const some = indices.filter((index) => hasPicture(cells[index]));
    if (some.length < 2) return note(say("sh_no_picture"));
    blindComparison(some.map((index) => ({ index, name: captionOf(index), whole: nameOf(index), url: fileOf(cells[index]) })), {
      won: async (index) => {
        if (cells[index].verdict !== "kept") await judge([index], "kept");
      },
      closed: (index) => {
        setText(parts.said, "");
        chooseNone();
        goTo(index ?? some[0]);
      },
    });
  };
  /* The first one waits for the second. */
  const markBlind = (index) => {
    if (chosen.size > 1) return compareBlind(meant());
    if (!hasPicture(cells[index])) return note(say("sh_no_picture"));
    const first = chosen.size ? [...chosen][0] : blind;
    if (first < 0 || first === index) {
      blind = first === index ? -1 : index;
      chosenChanged();
      setText(parts.said, blind < 0 ? "" : say("sh_blind_more"));
      return;
    }
    compareBlind([first, index]);
  };

  /* Promoting ----------------------------------------------------------------------------------- */

  const promote = (index) => {
    const cell = cells[index];
    if (!cell?.run || cell.state !== "completed") return note(say("sh_no_picture"));
    const go = (words, hint, act) => pressable("place", { onclick: () => (box.close(), act()) }, make("b", {}, say(words)), make("span", {}, say(hint)));
    const list = make("ul", { class: "place-list cs-promote" });
    const form = go("sh_promote_form", "sh_promote_form_hint", () => {
      document.querySelector("dialog.lightbox[open]")?.close();
      bridge.act({ action: "values", run: cell.run });
    });
    const preset = go("sh_promote_preset", "sh_promote_preset_hint", () => nameOfPreset({ run: cell.run, named: labelsOf(index).join(", ").slice(0, 60) }));
    const default_ = pressable("place", { "aria-expanded": "false", onclick: () => openDefaults(list, default_, cell, () => box.close()) }, make("b", {}, say("sh_promote_default")), make("span", {}, say("sh_promote_default_hint")));
    list.append(...(now.is_there ? [form, preset, default_] : [form]).map((one) => make("li", {}, one)));
    const title = phrase("sh_promote_title", { labels: captionOf(index) || nameOf(index) });
    const box = openWindow(title, make("span", { class: "cs-promote-picture" }, hasPicture(cell) ? make("img", { src: `${fileOf(cell)}?size=256`, alt: "" }) : ""), list);
    box.classList.add("cs-window");
    list.querySelector("button").focus();
  };

  /* Which of the values that the sheet varies; a seed only if somebody says so. */
  const openDefaults = async (list, button, cell, close) => {
    const isOpen = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!isOpen));
    list.querySelector(".cs-defaults")?.remove();
    if (isOpen) return;
    const box = make("div", { class: "cs-defaults" });
    button.after(box);
    if (!whole.defaults.length) return box.append(make("p", { class: "quiet" }, say("sh_no_defaults")));
    const told = await answered(fetch(`results/${encodeURIComponent(cell.run)}?lang=${lang}`));
    const said = new Map((told.values || []).map((one) => [one.key, one.text]));
    const lines = whole.defaults.filter((one) => said.has(one.key)).map((one, place) => {
      const tick = make("input", { type: "checkbox", id: `cs-default-${place}`, value: one.key, checked: !one.seed || whole.defaults.length === 1 });
      return make("label", { class: "switch", for: tick.id }, tick, make("b", {}, one.label), make("span", {}, said.get(one.key)));
    });
    const go = pressable("action main", { onclick: async () => {
      const keys = [...box.querySelectorAll("input:checked")].map((tick) => tick.value);
      if (!keys.length || !(await tell("default", { cells: [cell.index], keys }))) return;
      close();
      note(say("sh_promoted"));
    } }, say("sh_promote_default_go"));
    box.append(...lines, go);
  };

  /* The head ------------------------------------------------------------------------------------ */

  const parts = {};
  const begin = () => {
    short = whole.axes.map((axis) => apart(axis.labels));
    page = Math.min(page, Math.max(0, (whole.axes.length > 2 ? whole.axes[0].labels.length : 1) - 1));
    if (!parts.root) build();
    drawAbout();
    lay();
    drawHead();
    drawFoot();
  };

  const build = () => {
    const back = pressable("cs-back", { title: say("sh_back_hint"), "aria-label": say("sh_back_hint"), onclick: () => openExperiments() });
    const fold = pressable("cs-fold", { "aria-expanded": "false", onclick: () => {
      parts.shared.hidden = !parts.shared.hidden;
      fold.setAttribute("aria-expanded", String(!parts.shared.hidden));
    } }, say("sh_shared"));
    Object.assign(parts, {
      name: make("h2", { class: "cs-name" }), about: make("p", { class: "cs-about" }), acts: make("div", { class: "action-row cs-acts" }),
      line: make("p", { class: "cs-line", role: "status" }), bar: make("div", { class: "cs-bar-of", role: "progressbar", "aria-label": say("sh_progress"), "aria-valuemin": 0 }),
      steer: make("span", { class: "cs-steer" }), trouble: make("div", { class: "cs-trouble", role: "alert", hidden: true }), pages: make("div", { class: "cs-pages" }),
      filters: make("div", { class: "cs-filters", role: "group", "aria-label": say("sh_show") }), nothing: make("div", { class: "cs-nothing", hidden: true }),
      foot: make("div", { class: "cs-foot" }), said: make("p", { class: "off-screen", role: "status" }), shared: make("dl", { class: "cs-values", hidden: true }), fold,
    });
    parts.bar.append(make("span", { class: "cs-bar-done" }), make("span", { class: "cs-bar-failed" }));
    parts.smaller = pressable("cs-zoom", { "aria-label": say("sh_smaller"), title: say("sh_smaller"), onclick: () => zoom(-1) }, "−");
    parts.larger = pressable("cs-zoom", { "aria-label": say("sh_larger"), title: say("sh_larger"), onclick: () => zoom(1) }, "+");
    parts.root = make("div", { class: "cs" },
      make("header", { class: "cs-head" },
        make("div", { class: "cs-top" }, back, make("div", { class: "cs-titles" }, parts.name, make("div", { class: "cs-under" }, parts.about, fold)), parts.acts),
        parts.shared,
        parts.trouble,
        make("div", { class: "cs-tools" },
          make("div", { class: "cs-progress" }, parts.line, parts.bar, parts.steer), make("div", { class: "cs-view" }, parts.filters, make("span", { class: "cs-zooms" }, parts.smaller, parts.larger))),
        parts.pages),
      make("p", { id: "cs-keys", class: "off-screen" }, say("sh_keys")),
      make("div", { class: "cs-light" }, table.element, parts.nothing, parts.foot), parts.said);
    table.element.setAttribute("aria-label", say("sh_sheet"));
    table.element.setAttribute("aria-describedby", "cs-keys");
    table.element.addEventListener("click", clicked);
    table.element.addEventListener("keydown", typed);
    table.element.addEventListener("pointerover", (event) => {
      const cell = event.pointerType !== "touch" && event.target.closest(".cs-cell");
      if (cell) dress(cell);
    });
    table.element.addEventListener("focusin", (event) => {
      const cell = event.target.closest(".cs-cell");
      if (cell && event.target.matches(".cs-open:focus-visible")) dress(cell);
      if (!cell || Number(cell.dataset.index) === table.cursor()) return;
      table.point(Number(cell.dataset.index));
      drawFoot();
    });
    container.replaceChildren(parts.root);
    fill();
    filled.observe(document.querySelector(".gradio-container .contain"));
  };

  /* The light table has what the window leaves it, whatever stands above. On a phone the page scrolls. */
  const fill = () => {
    if (!parts.root?.offsetParent) return;
    const room = Math.max(460, innerHeight - (parts.root.getBoundingClientRect().top + scrollY) - 16);
    parts.root.style.setProperty("--room", `${Math.floor(room)}px`);
  };
  const filled = new ResizeObserver(fill);
  addEventListener("resize", fill);

  const zoom = (by) => {
    const [canGrow, canShrink] = table.zoom(by);
    parts.larger.disabled = !canGrow;
    parts.smaller.disabled = !canShrink;
  };

  const drawAbout = () => {
    const axes = whole.axes.map((axis) => axis.title).join(" × ");
    setText(parts.about, [axes, whole.title, datedShort(whole.at)].filter(Boolean).join(" · "));
    parts.fold.hidden = !whole.shared.length;
    parts.shared.replaceChildren(...whole.shared.flatMap((one) => [make("dt", {}, one.label), make("dd", {}, one.text)]));
  };

  const drawHead = () => {
    if (!parts.name.querySelector("input")) drawName();
    drawActs();
    drawProgress();
    drawPages();
    drawFilters();
    const said = [now.deleted ? say("sh_deleted") : "", now.problem].filter(Boolean).join(" ");
    drawTrouble(said, now.deleted && now.own ? pressable("link", { onclick: () => tell("restore") }, say("sh_undo")) : "");
    parts.root.classList.toggle("is-deleted", now.deleted);
  };

  const drawTrouble = (sentence, more = "") => {
    if (!parts.root) {
      const retry = pressable("action", { onclick: look }, say("sh_try_again"));
      const back = pressable("action", { onclick: () => openExperiments() }, say("sh_back_hint"));
      container.replaceChildren(make("div", { class: "cs-nothing is-alone" }, make("p", { role: "alert" }, sentence), make("div", { class: "action-row" }, retry, back)));
      return;
    }
    parts.trouble.hidden = !sentence;
    if (parts.trouble.dataset.key === sentence) return;
    parts.trouble.dataset.key = sentence;
    parts.trouble.replaceChildren(make("span", {}, sentence), more);
  };

  const drawName = () => {
    const name = now.name || whole.title;
    if (parts.name.dataset.key === name + now.own) return;
    parts.name.dataset.key = name + now.own;
    parts.name.replaceChildren(now.own ? pressable("cs-rename", { title: say("sh_rename"), onclick: rename }, name) : name);
  };
  const rename = () => {
    const field = make("input", { type: "text", class: "box", maxlength: "120", value: now.name, placeholder: whole.title, "aria-label": say("sh_name") });
    let isOver = false;
    const done = (keeps) => {
      if (isOver) return;
      isOver = true;
      if (keeps && field.value.trim() !== now.name) {
        now.name = field.value.trim();
        tell("rename", { name: now.name });
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
    const key = JSON.stringify([now.own, now.is_there, now.deleted, lang]);
    if (parts.acts.dataset.key === key) return;
    parts.acts.dataset.key = key;
    const file = (suffix) => make("a", { class: "action", href: `${address}/sheet.${suffix}?lang=${lang}`, download: true }, say(`sh_export_${suffix}`));
    const link = pressable("action stays", { onclick: async () => {
      await copyText(new URL(`?view=experiments&experiment=${encodeURIComponent(id)}`, location.href).href);
      setText(link, say("copied"));
      setTimeout(() => setText(link, say("copy_link")), 1500);
    } }, say("copy_link"));
    const more = [link, ...(now.own ? [pressable("action", { onclick: rename }, say("sh_rename")), pressable("action is-bad", { onclick: () => tell("delete") }, say("sh_delete"))] : [])];
    parts.acts.replaceChildren(
      ...(now.is_there ? [pressable("action", { title: say("sh_repeat_hint"), onclick: () => planExperiment({ ...whole.plan, basedOn: id }) }, say("sh_repeat"))] : []),
      menu(say("sh_export"), ["png", "webp", "html", "csv", "zip"].map(file)),
      menu(say("sh_more"), more));
  };

  const drawProgress = () => {
    const counts = now.counts;
    setText(parts.line, now.line);
    const share = (...states) => states.reduce((sum, state) => sum + (counts[state] || 0), 0) / Math.max(1, counts.all);
    parts.bar.style.setProperty("--done", share("completed"));
    parts.bar.style.setProperty("--failed", share("failed", "cancelled"));
    parts.bar.setAttribute("aria-valuemax", counts.all);
    parts.bar.setAttribute("aria-valuenow", Math.round(counts.all * share("completed", "failed", "cancelled")));
    parts.root.dataset.state = now.state;
    const steer = [];
    if (now.own && !now.deleted) {
      if (now.state === "running") steer.push(["pause", "sh_pause"], ["stop", "sh_stop"]);
      if (now.state === "paused") steer.push(["resume", "sh_resume"], ["stop", "sh_stop"]);
      if (now.state === "stopped" && share("waiting", "cancelled")) steer.push(["resume", "sh_resume"]);
      if (counts.failed || (now.state === "done" && counts.cancelled)) steer.push(["retry", counts.failed ? "sh_retry_all" : "sh_retry_stopped"]);
    }
    const key = JSON.stringify([steer, lang]);
    if (parts.steer.dataset.key === key) return;
    parts.steer.dataset.key = key;
    const focused = parts.steer.contains(document.activeElement);
    const every = (...states) => cells.filter((cell) => states.includes(cell.state)).map((cell) => cell.index);
    const act = { retry: () => again(now.state === "done" ? every("failed", "cancelled") : every("failed")) };
    parts.steer.replaceChildren(...steer.map(([action, words]) => pressable("action", { onclick: act[action] || (() => tell(action)) }, say(words))));
    if (focused) (parts.steer.querySelector("button") || parts.root.querySelector(".cs-open[tabindex='0']"))?.focus();
  };

  const drawPages = () => {
    const axis = whole.axes.length > 2 && filter === "all" ? whole.axes[0] : null;
    parts.pages.hidden = !axis;
    if (!axis) return;
    const key = JSON.stringify([page, lang]);
    if (parts.pages.dataset.key === key) return;
    parts.pages.dataset.key = key;
    const hadFocus = parts.pages.contains(document.activeElement);
    const count = axis.labels.length;
    const tabs = short[0].map((label, place) =>
      make("button", { type: "button", class: "cs-page", role: "tab", "aria-selected": String(place === page), tabindex: place === page ? 0 : -1, title: axis.labels[place], "aria-label": phrase("sh_page", { title: axis.title, label: axis.labels[place], place: place + 1, count }), onclick: () => turn(place) }, label));
    const arrow = (by, words, sign) => pressable("cs-turn", { "aria-label": say(words), title: say(words), disabled: page + by < 0 || page + by >= count, onclick: () => turn(page + by) }, sign);
    const list = make("div", { class: "cs-tabs", role: "tablist", "aria-label": axis.title }, ...tabs);
    list.addEventListener("keydown", (event) => {
      const to = { ArrowRight: page + 1, ArrowLeft: page - 1, Home: 0, End: count - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      turn(to);
    });
    parts.pages.replaceChildren(make("span", { class: "cs-pages-title" }, axis.title), arrow(-1, "sh_previous_page", "‹"), list, arrow(1, "sh_next_page", "›"));
    tabs[page].scrollIntoView({ block: "nearest", inline: "nearest" });
    if (hadFocus) tabs[page].focus();
  };

  const drawFilters = () => {
    const count = (one) => (one === "all" ? now.counts.all : now.counts[one] || 0);
    const key = JSON.stringify([filter, FILTERS.map(count), lang]);
    if (parts.filters.dataset.key === key) return;
    parts.filters.dataset.key = key;
    const focused = parts.filters.contains(document.activeElement) ? document.activeElement.dataset.filter : "";
    const shown = FILTERS.filter((one) => ["all", "kept"].includes(one) || count(one) || one === filter);
    const chip = (one) => pressable("chip", { "data-filter": one, "aria-pressed": String(one === filter), onclick: () => setFilter(one) }, make("span", {}, say(`sh_${one}`)), make("span", { class: "cs-number" }, count(one).toLocaleString(lang)));
    parts.filters.replaceChildren(...shown.map(chip));
    if (focused) parts.filters.querySelector(`[data-filter="${focused}"]`)?.focus();
  };
  const setFilter = (to) => {
    filter = to;
    lay();
    drawHead();
    drawFoot();
  };

  const drawNothing = () => {
    parts.nothing.hidden = table.cells().length > 0;
    table.element.hidden = !parts.nothing.hidden;
    if (parts.nothing.hidden) return;
    const hint = say(`sh_none_${filter}_hint`);
    parts.nothing.replaceChildren(make("p", { class: "cs-nothing-title" }, say(`sh_none_${filter}`) || ""), ...(hint ? [make("p", {}, hint)] : []), pressable("action", { onclick: () => setFilter("all") }, say("sh_all")));
  };

  /* The foot: what can be done with the cell that has the keyboard, or with those that are chosen. - */

  let noted = "";
  let noting = 0;
  const note = (text) => {
    noted = text;
    clearTimeout(noting);
    if (text) noting = setTimeout(() => note(""), 8000);
    drawFoot();
  };

  const drawFoot = () => {
    if (!parts.foot) return;
    const some = meant();
    const all = some.map((index) => cells[index]);
    const key = JSON.stringify([some, all.map((one) => [one.state, one.verdict, one.why]), chosen.size, blind, noted, now.own, lang]);
    if (parts.foot.dataset.key === key) return;
    parts.foot.dataset.key = key;
    const focused = parts.foot.contains(document.activeElement) ? document.activeElement.dataset.name : "";
    parts.foot.replaceChildren(...(noted ? [make("p", { class: "cs-note", role: "status" }, noted)] : []), ...(some.length ? [footOf(some, all)] : []));
    if (focused) (parts.foot.querySelector(`[data-name="${focused}"]`) || parts.foot.querySelector("button"))?.focus();
  };

  const footOf = (some, all) => {
    const isMany = chosen.size > 0;
    const act = (name, words, key, onclick, more = {}) => pressable("action", { "data-name": name, onclick, ...more }, make("span", {}, say(words)), ...(key ? [make("kbd", { "aria-hidden": "true" }, key)] : []));
    const [index, cell] = [some[0], all[0]];
    const said = isMany
      ? [make("b", {}, tally("sh_chosen", some.length))]
      : [make("b", { title: nameOf(index) }, captionOf(index) || nameOf(index)), make("span", { class: "cs-foot-state" }, blind >= 0 ? say("sh_blind_more") : cell.why || stateWords(cell))];
    const isDone = all.every((one) => one.state === "completed");
    const isAll = (verdict) => String(all.every((one) => one.verdict === verdict));
    const row = [];
    if (now.own && isDone) row.push(act("keep", "sh_keep", "K", () => judge(some, "kept"), { "aria-pressed": isAll("kept") }), act("reject", "sh_reject", "X", () => judge(some, "rejected"), { "aria-pressed": isAll("rejected") }));
    if (isMany) {
      if (some.length > 1) row.push(act("blind", "sh_blind", "B", () => compareBlind(some)));
      if (some.length === 2) row.push(act("beside", "sh_beside", "", () => openCompare(...all.map((one) => one.run))));
    } else if (isDone) {
      if (hasPicture(cell)) row.push(act("blind", "sh_blind", "B", () => markBlind(index), { "aria-pressed": String(blind === index) }));
      row.push(act("promote", "sh_promote", "P", () => promote(index)), act("open", "sh_open", "↵", () => openLarge(index)));
    }
    if (now.own && all.every(canRun) && (isMany || !isDone)) row.push(act("again", "sh_again", "R", () => again(some)));
    if (isMany) row.push(act("none", "sh_choose_none", "Esc", chooseNone));
    return make("div", { class: "cs-deeds", role: "toolbar", "aria-label": isMany ? tally("sh_chosen", some.length) : nameOf(index) }, make("div", { class: "cs-foot-said" }, ...said), make("div", { class: "cs-foot-row" }, ...row));
  };

  /* By mouse and by keys ------------------------------------------------------------------------ */

  const clicked = (event) => {
    const box = event.target.closest(".cs-cell");
    if (!box) return;
    const index = Number(box.dataset.index);
    if (event.target.closest(".cs-kept")) return judge([index], "kept");
    if (event.target.closest(".cs-rejected")) return judge([index], "rejected");
    if (event.target.closest(".cs-again")) return again([index]);
    if (event.target.closest(".cs-pick")) return choose(index, event.shiftKey);
    if (!event.target.closest(".cs-open") || event.ctrlKey || event.metaKey || event.button > 0) return;
    event.preventDefault();
    table.point(index);
    drawFoot();
    // Enter opens also where some are chosen.
    if (event.shiftKey || (chosen.size && event.detail > 0)) choose(index, event.shiftKey);
    else openLarge(index);
  };

  const typed = (event) => {
    const box = event.target.closest(".cs-cell");
    if (!box || event.altKey || event.metaKey) return;
    const index = Number(box.dataset.index);
    const to = table.beside(index, event.key, event.ctrlKey);
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (to !== undefined) {
      if (event.shiftKey) for (const one of [index, to]) hasResult(one) && chosen.add(one);
      table.focus(to);
      if (event.shiftKey) chosenChanged();
      drawFoot();
    } else if (event.ctrlKey) return;
    else if (key === "k") judge(meant(), "kept");
    else if (key === "x") judge(meant(), "rejected");
    else if (key === "p") promote(index);
    else if (key === "b") markBlind(index);
    else if (key === "r" && !event.repeat) again(chosen.size ? meant() : canRun(cells[index]) && cells[index].state !== "completed" ? [index] : []);
    else if (key === " " && event.target.matches(".cs-open")) choose(index, event.shiftKey);
    else if (key === "Escape" && (chosen.size || blind >= 0)) chooseNone();
    else if (key === "PageDown" && whole.axes.length > 2) turn(page + 1);
    else if (key === "PageUp" && whole.axes.length > 2) turn(page - 1);
    else if (key === "+" || key === "=") zoom(1);
    else if (key === "-") zoom(-1);
    else return;
    event.preventDefault();
  };

  /* It is there, and it is left ----------------------------------------------------------------- */

  const seen = new IntersectionObserver((entries) => {
    const isNow = entries.at(-1).isIntersecting;
    if (isNow === isShown) return;
    isShown = isNow;
    if (isShown) look();
    else clearTimeout(timer);
  });
  const noticed = () => !document.hidden && isShown && look();
  document.addEventListener("visibilitychange", noticed);
  container.replaceChildren(make("div", { class: "cs-nothing is-alone", "aria-busy": "true" }));
  seen.observe(container);

  return {
    close: () => {
      isClosed = true;
      clearTimeout(timer);
      clearTimeout(noting);
      asking?.abort();
      seen.disconnect();
      filled.disconnect();
      removeEventListener("resize", fill);
      table.end();
      document.removeEventListener("visibilitychange", noticed);
      container.replaceChildren();
    },
  };
};
