/* A sheet by mouse and by keys ----------------------------------------------------------------------------- */

const sheetKeys = (sheet) => {
  const { table, deeds, laying, cells, chosen, hasResult } = sheet;

  const clicked = (event) => {
    const box = event.target.closest(".cs-cell");
    if (!box) return;
    const index = Number(box.dataset.index);
    if (event.target.closest(".cs-kept")) return deeds.judge([index], "kept");
    if (event.target.closest(".cs-rejected")) return deeds.judge([index], "rejected");
    if (event.target.closest(".cs-again")) return deeds.again([index]);
    if (event.target.closest(".cs-pick")) return deeds.choose(index, event.shiftKey);
    if (!event.target.closest(".cs-open") || event.ctrlKey || event.metaKey || event.button > 0) return;
    event.preventDefault();
    table.point(index);
    sheet.foot.draw();
    // Enter opens also where some are chosen.
    if (event.shiftKey || (chosen.size && event.detail > 0)) deeds.choose(index, event.shiftKey);
    else sheet.large.open(index);
  };

  /* The cell that keys mean: the one they are typed at, and elsewhere on the sheet the one its foot names. */
  const meantBy = ({ target, key, defaultPrevented }) => {
    const box = target.closest(".cs-cell");
    if (box) return table.element.contains(box) ? Number(box.dataset.index) : -1;
    if (defaultPrevented || !table.element.offsetParent || document.querySelector("dialog[open]")) return -1;
    const isOnSheet = target.closest(".cs") && !target.closest("input, textarea, select, [role=menu], [role=tablist]");
    return target === document.body || target === table.element || (isOnSheet && key.length === 1) ? table.cursor() : -1;
  };

  const typed = (event) => {
    if (event.altKey || event.metaKey || !(event.target instanceof Element)) return;
    const index = meantBy(event);
    if (index < 0) return;
    const to = table.beside(index, event.key, event.ctrlKey);
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const hasPages = sheet.whole.axes.length > 2;
    if (to !== undefined) {
      if (event.shiftKey) for (const one of [index, to]) hasResult(one) && chosen.add(one);
      table.focus(to);
      if (event.shiftKey) deeds.chosenChanged();
      sheet.foot.draw();
    } else if (event.ctrlKey) return;
    else if (key === "k") deeds.judge(sheet.meant(), "kept");
    else if (key === "x") deeds.judge(sheet.meant(), "rejected");
    else if (key === "p") sheet.promote(index);
    else if (key === "b") deeds.markBlind(index);
    else if (key === "r" && !event.repeat) deeds.again(chosen.size ? sheet.meant() : sheet.canRun(cells[index]) && cells[index].state !== "completed" ? [index] : []);
    else if (key === " " && event.target.matches(".cs-open")) deeds.choose(index, event.shiftKey);
    else if (key === "Escape" && (chosen.size || sheet.blind >= 0)) deeds.chooseNone();
    else if (key === "PageDown" && hasPages) laying.turn(sheet.page + 1);
    else if (key === "PageUp" && hasPages) laying.turn(sheet.page - 1);
    else if (key === "+" || key === "=") sheet.head.zoom(1);
    else if (key === "-") sheet.head.zoom(-1);
    else return;
    event.preventDefault();
  };

  table.element.addEventListener("click", clicked);
  document.addEventListener("keydown", typed);
  table.element.addEventListener("pointerover", (event) => {
    const cell = event.pointerType !== "touch" && event.target.closest(".cs-cell");
    if (cell) sheet.drawn.dress(cell);
  });
  table.element.addEventListener("focusin", (event) => {
    const cell = event.target.closest(".cs-cell");
    if (cell && event.target.matches(".cs-open:focus-visible")) sheet.drawn.dress(cell);
    if (!cell || Number(cell.dataset.index) === table.cursor()) return;
    table.point(Number(cell.dataset.index));
    sheet.foot.draw();
  });
  return () => document.removeEventListener("keydown", typed);
};
