/* A cell of a sheet: what came of it, or how it stands, and what a mouse finds on it ---------------------- */

const sheetCells = (sheet) => {
  const { cells, chosen, nameOf, hasPicture, hasResult, stateWords } = sheet;
  let hasRatio = false; // as a picture that came has it

  const drawCell = (box, index, isCursor) => {
    const cell = cells[index];
    box.dataset.state = cell.state;
    box.dataset.verdict = cell.verdict || "";
    box.classList.toggle("is-blind", index === sheet.blind);
    box.setAttribute("aria-selected", String(chosen.has(index)));
    const key = JSON.stringify([cell.state, cell.run, cell.file, cell.why, cell.text, cell.reused, sheet.filter, sheet.table.width() > 230, lang]);
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
    if (sheet.now.own && ["failed", "cancelled", "gone"].includes(cell.state)) tools.push(pressable("cs-again", { tabindex: "-1", "aria-label": `${say("sh_again")}: ${labels}` }, say("sh_again")));
    const badges = [cell.reused ? make("span", { title: say("sh_reused") }, "↺") : "", cell.count ? make("span", { title: phrase("res_files", { count: cell.count }) }, String(cell.count)) : ""].filter(Boolean);
    if (badges.length) tools.push(make("span", { class: "cs-badges", "aria-hidden": "true" }, ...badges));
    if (sheet.isFlowing()) tools.push(make("span", { class: "cs-caption", title: labels }, sheet.captionOf(cell.index)));
    box.replaceChildren(open, ...tools);
    if (hadFocus) open.focus({ preventScroll: true });
  };

  /* What a mouse needs on a cell: where it is, or where some are chosen. On thousands it would be in the way. */
  const dress = (box) => {
    const cell = cells[box.dataset.index];
    if (!sheet.now.own || !hasResult(cell.index) || box.querySelector(".cs-pick")) return;
    const labels = nameOf(cell.index);
    const tool = (look, name, attributes = {}) => pressable(look, { tabindex: "-1", "aria-label": phrase(name, { labels }), title: phrase(name, { labels }), ...attributes });
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
      const wanted = sheet.table.width() * Math.min(2, devicePixelRatio);
      const image = make("img", { src: `${sheet.fileOf(cell)}?size=${wanted > 300 ? 512 : 256}`, alt: "", decoding: "async", draggable: "false" });
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
    if (Math.abs(ratio / sheet.whole.ratio - 1) < 0.02) return;
    sheet.whole.ratio = Math.max(0.25, Math.min(4, ratio));
    sheet.table.ratio(sheet.whole.ratio);
  };

  return { draw: drawCell, dress };
};
