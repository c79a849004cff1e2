/* A cell of a sheet in the large view: where the picture stands, and what one thinks of it ------------------ */

const sheetLarge = (sheet) => {
  const { cells } = sheet;
  let above = null;

  const open = (index) => {
    const cell = cells[index];
    if (!cell?.run) return;
    const indices = sheet.table.cells().filter((one) => cells[one]?.run && cells[one].state !== "pending");
    const byRun = new Map(indices.map((one) => [cells[one].run, one]));
    if (byRun.has(cell.run)) byRun.set(cell.run, index); // where several cells have it, the one that was opened
    const runs = [...byRun.keys()];
    lightbox.open(cell.run, {
      ids: () => (runs.includes(cell.run) ? runs : [cell.run]),
      row: sheet.table.elementOf(index)?.querySelector(".cs-open"),
      above: (run) => byRun.has(run) && aboveOf(byRun.get(run)),
      typed: (key, run) => byRun.has(run) && typed(key, byRun.get(run)),
      closed: (run) => byRun.has(run) && sheet.goTo(byRun.get(run)),
    });
  };

  const aboveOf = (index) => {
    above = make("div", { class: "cs-above" });
    draw(index);
    return above;
  };

  const draw = (index) => {
    const cell = cells[index];
    const press = (words, verdict) => pressable("action", { "aria-pressed": String(cell.verdict === verdict), "data-verdict": verdict, onclick: () => typed(verdict === "kept" ? "k" : "x", index) }, say(words));
    const lines = sheet.labelsOf(index).flatMap((label, axis) => [make("dt", {}, sheet.whole.axes[axis].title), make("dd", {}, label)]);
    const row = sheet.now.own && sheet.hasResult(index) ? [make("div", { class: "action-row" }, press("sh_keep", "kept"), press("sh_reject", "rejected"), pressable("action", { onclick: () => sheet.promote(index) }, say("sh_promote")))] : [];
    const focused = above.contains(document.activeElement) ? document.activeElement.dataset.verdict : "";
    above.replaceChildren(make("dl", { class: "lb-table cs-where" }, ...lines), ...row);
    if (focused) above.querySelector(`[data-verdict="${focused}"]`)?.focus();
  };

  const typed = (key, index) => {
    const act = { k: () => sheet.deeds.judge([index], "kept"), x: () => sheet.deeds.judge([index], "rejected"), p: () => sheet.promote(index) }[key];
    if (!act) return false;
    act();
    draw(index);
    return true;
  };

  return { open };
};
