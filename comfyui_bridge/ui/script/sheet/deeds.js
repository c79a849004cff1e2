/* What is done with cells of a sheet: chosen, kept or rejected, run again, compared ------------------------ */

const sheetDeeds = (sheet) => {
  const { cells, chosen, hasResult, hasPicture, nameOf } = sheet;
  const said = make("p", { class: "off-screen", role: "status" });
  let last = -1; // the one that was chosen last

  const judge = async (indices, verdict) => {
    const judged = indices.filter((index) => cells[index].run && cells[index].state === "completed");
    if (!sheet.now.own || !judged.length) return;
    const next = judged.every((index) => cells[index].verdict === verdict) ? "" : verdict;
    const before = new Map(judged.map((index) => [index, cells[index].verdict || ""]));
    const put = (of) => {
      for (const index of judged) count(cells[index], of(index));
      sheet.table.redraw(judged);
      sheet.told();
    };
    put(() => next);
    setText(said, phrase(`sh_said_${next || "none"}`, { labels: judged.map(nameOf).join(", ") }));
    if (!(await sheet.tell("judge", { cells: judged, verdict: next }))) put((index) => before.get(index));
  };
  /* A verdict is shown before the server has it. */
  const count = (cell, verdict) => {
    const { counts } = sheet.now;
    if (cell.verdict) counts[cell.verdict]--;
    if (verdict) counts[verdict] = (counts[verdict] || 0) + 1;
    cell.verdict = verdict;
  };

  const choose = (index, isRange) => {
    if (!hasResult(index)) return;
    const list = sheet.table.cells();
    const [from, to] = [list.indexOf(last), list.indexOf(index)];
    if (isRange && from >= 0 && to >= 0) for (const one of list.slice(Math.min(from, to), Math.max(from, to) + 1)) hasResult(one) && chosen.add(one);
    else if (!chosen.delete(index)) chosen.add(index);
    last = index;
    chosenChanged();
  };
  const chooseNone = () => {
    chosen.clear();
    sheet.blind = -1;
    chosenChanged();
  };
  const chosenChanged = () => {
    sheet.table.element.classList.toggle("is-choosing", chosen.size > 0);
    sheet.table.redraw();
    sheet.foot.draw();
  };

  const again = (indices) => {
    const some = indices.filter((index) => sheet.canRun(cells[index]));
    if (some.length) sheet.tell("again", { cells: some });
  };

  const compareBlind = (indices) => {
    const some = indices.filter((index) => hasPicture(cells[index]));
    if (some.length < 2) return sheet.foot.note(say("sh_no_picture"));
    blindComparison(some.map((index) => ({ index, name: sheet.captionOf(index), whole: nameOf(index), url: sheet.fileOf(cells[index]) })), {
      won: async (index) => {
        if (cells[index].verdict !== "kept") await judge([index], "kept");
      },
      closed: (index) => {
        setText(said, "");
        chooseNone();
        sheet.goTo(index ?? sheet.table.cursor());
      },
    });
  };
  /* The first one waits for the second. */
  const markBlind = (index) => {
    if (chosen.size > 1) return compareBlind(sheet.meant());
    if (!hasPicture(cells[index])) return sheet.foot.note(say("sh_no_picture"));
    const first = chosen.size ? [...chosen][0] : sheet.blind;
    if (first < 0 || first === index) {
      sheet.blind = first === index ? -1 : index;
      chosenChanged();
      setText(said, sheet.blind < 0 ? "" : say("sh_blind_more"));
      return;
    }
    compareBlind([first, index]);
  };

  return { said, judge, choose, chooseNone, chosenChanged, again, compareBlind, markBlind };
};
