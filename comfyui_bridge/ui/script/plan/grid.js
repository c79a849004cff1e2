/* The sheet as it will be ---------------------------------------------------------------------------
   Empty yet: cells, rows and columns that are clicked are left out. */

const planGrid = (desk) => {
  const MOST_COLUMNS = 60;
  const MOST_DRAWN_CELLS = 1200;
  const element = make("section", { class: "exp-sheet", "aria-label": say("exp_sheet") });
  let said = null; // how many are left out
  let page = 0; // of the third axis
  const tooMany = () => phrase("exp_too_many", { count: desk.told.count.toLocaleString(lang), most: desk.told.most.toLocaleString(lang) });
  let matrix = []; // buttons by row and column, labels among them
  let gridKey = "";
  const skips = () => new Set(desk.plan.skip.map((labels) => JSON.stringify(labels)));
  const draw = () => {
    const ready = desk.told && desk.told.count && desk.told.count <= desk.told.most && desk.told.axes.every((one) => one.labels.length);
    const key = JSON.stringify([ready && desk.told.axes, page, lang, desk.told?.count > desk.told?.most]);
    if (key === gridKey) return drawSkips();
    gridKey = key;
    matrix = [];
    if (!ready) {
      const isMany = desk.told && desk.told.count > desk.told.most;
      const words = isMany ? tooMany() : say("exp_sheet_none");
      element.replaceChildren(make("p", { class: isMany ? "exp-refused" : "exp-said" }, words));
      return;
    }
    const { axes } = desk.told;
    const [columns, rows, pages] = [...axes].reverse();
    if (page >= (pages?.labels.length || 1)) page = 0;
    const hint = make("p", { class: "exp-hint" }, say("exp_sheet_hint"));
    said = make("span", { class: "exp-skipped" });
    const top = make("div", { class: "exp-sheet-head" }, make("h3", {}, say("exp_sheet")), hint, said);
    element.replaceChildren(top, ...(pages ? [pageTabs(pages)] : []), rows ? gridOf(columns, rows, pages) : flowOf(columns));
    matrix.flat().filter(Boolean).forEach((button, index) => (button.tabIndex = index ? -1 : 0));
    drawSkips();
  };
  const pageTabs = (pages) => {
    const tabs = saidOf(pages).slice(0, 100).map((label, index) =>
      make("button", { type: "button", role: "tab", "aria-selected": String(index === page), tabindex: index === page ? "0" : "-1", title: label, onclick: () => {
        page = index;
        draw();
        element.querySelector("[role=tab][aria-selected=true]")?.focus();
      } }, label || "—"));
    const list = make("div", { class: "exp-pages", role: "tablist", "aria-label": pages.title }, make("span", { class: "exp-axis-title" }, pages.title), ...tabs);
    list.addEventListener("keydown", (event) => {
      const to = { ArrowRight: page + 1, ArrowLeft: page - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      tabs[(to + tabs.length) % tabs.length].click();
    });
    return list;
  };
  const cellOf = (labels, said_) => {
    const shown = said_.map((one) => one || "—");
    return pressable("exp-cell", { "aria-label": phrase("exp_skip_one", { label: shown.join(", ") }), "data-labels": JSON.stringify(labels), "data-said": shown.join("\n"), title: shown.join("\n") });
  };
  const headOf = (label, words, all) => {
    const button = pressable("exp-label", { "aria-label": phrase(words, { label: label || "—" }), title: label, "data-all": "" }, make("span", {}, label || "—"));
    button.all = all;
    return button;
  };
  const flowOf = (columns) => {
    const shown = columns.labels.slice(0, MOST_DRAWN_CELLS);
    const said_ = saidOf(columns);
    matrix = [shown.map((label, index) => cellOf([label], [said_[index]]))];
    const items = shown.map((_, index) => make("li", {}, matrix[0][index], make("span", { class: "exp-flow-label", title: said_[index] }, said_[index] || "—")));
    return make("div", { class: "exp-flow" }, make("span", { class: "exp-axis-title" }, columns.title), make("ul", { onclick: clicked, onkeydown: moved }, ...items), columns.count > shown.length ? make("p", { class: "exp-hint" }, phrase("exp_cut_flow", { count: shown.length })) : "");
  };
  const gridOf = (columns, rows, pages) => {
    const across = columns.labels.slice(0, MOST_COLUMNS);
    const down = rows.labels.slice(0, Math.max(1, Math.floor(MOST_DRAWN_CELLS / across.length)));
    const [before, saidBefore] = pages ? [[pages.labels[page]], [saidOf(pages)[page]]] : [[], []];
    const every = columns.labels; // also those that are not drawn
    const [saidAcross, saidDown] = [saidOf(columns), saidOf(rows)];
    const head_ = across.map((label, index) => headOf(saidAcross[index], "exp_skip_column", rows.labels.map((row) => [...before, row, label])));
    const lines = down.map((label, place) => [headOf(saidDown[place], "exp_skip_row", every.map((column) => [...before, label, column])), ...across.map((column, index) => cellOf([...before, label, column], [...saidBefore, saidDown[place], saidAcross[index]]))]);
    matrix = [[null, ...head_], ...lines];
    const corner = make("td", { class: "exp-corner" }, make("span", { title: columns.title }, columns.title), make("span", { title: rows.title }, rows.title));
    const top = make("tr", {}, corner, ...head_.map((button) => make("th", { scope: "col" }, button)));
    const body = lines.map(([label, ...cells]) => make("tr", {}, make("th", { scope: "row" }, label), ...cells.map((cell) => make("td", {}, cell))));
    const isCut = down.length < rows.count || across.length < columns.count;
    return make("div", { class: "exp-grid" }, make("div", { class: "exp-scroll", onclick: clicked, onkeydown: moved }, make("table", {}, make("thead", {}, top), make("tbody", {}, ...body))),
      isCut ? make("p", { class: "exp-hint" }, phrase("exp_cut", { rows: down.length, columns: across.length })) : "");
  };
  const clicked = (event) => {
    const button = event.target.closest(".exp-cell, .exp-label");
    if (!button) return;
    const now = skips();
    const places = button.all || [JSON.parse(button.dataset.labels)];
    const keys = places.map((labels) => JSON.stringify(labels));
    const isOut = keys.every((key) => now.has(key));
    for (const key of keys) isOut ? now.delete(key) : now.add(key);
    desk.plan.skip = [...now].map((key) => JSON.parse(key));
    focusCell(button);
    drawSkips();
    desk.skipsChanged();
  };
  const focusCell = (button) => {
    for (const one of matrix.flat()) if (one) one.tabIndex = one === button ? 0 : -1;
    button.focus({ preventScroll: false });
  };
  const moved = (event) => {
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (!step) return;
    const row = matrix.findIndex((one) => one.includes(event.target));
    const column = row < 0 ? -1 : matrix[row].indexOf(event.target);
    const to = row < 0 ? null : matrix[row + step[0]]?.[column + step[1]];
    if (row < 0) return;
    event.preventDefault();
    if (to) focusCell(to);
  };
  const drawSkips = () => {
    if (!matrix.length) return;
    const [now, there] = [skips(), new Set(placesOf(desk.told?.there))];
    for (const button of matrix.flat()) {
      if (!button) continue;
      const isOut = button.all ? button.all.every((labels) => now.has(JSON.stringify(labels))) : now.has(button.dataset.labels);
      button.setAttribute("aria-pressed", String(isOut));
      if (button.all) continue;
      const isThere = there.has(button.dataset.labels);
      button.classList.toggle("is-there", isThere);
      button.title = isThere ? `${button.dataset.said}\n${say("exp_is_there")}` : button.dataset.said;
    }
    const count = skipped();
    said.replaceChildren(...(count ? [phrase("exp_skipped", { count }), " ", pressable("link", { onclick: () => {
      desk.plan.skip = [];
      drawSkips();
      desk.skipsChanged();
    } }, say("exp_unskip_all"))] : []));
  };
  /* Places that are no more on the sheet do not count. */
  const skipped = () => {
    const labels = (desk.told?.axes || []).map((one) => new Set(one.labels));
    return desk.plan.skip.filter((place) => place.length === labels.length && place.every((label, index) => labels[index].has(label))).length;
  };

  /* Cells by their labels; python counts pages, rows, columns. */
  const placesOf = (indices) => {
    const axes = desk.told?.axes || [];
    return (indices || []).map((index) => {
      let rest = index;
      const places = [...axes].reverse().map(({ labels }) => [rest % labels.length, (rest = Math.floor(rest / labels.length))][0]).reverse();
      return JSON.stringify(places.map((at, axis) => axes[axis].labels[at]));
    });
  };
  /* How many of those that are to be shown are among these. */
  const shownOf = (indices) => {
    const now = skips();
    return placesOf(indices).filter((place) => !now.has(place)).length;
  };

  return { element, draw, skipped, shownOf, tooMany };
};
