/* What the page knows of an experiment's sheet ---------------------------------------------------------
   The newest answer, what stays as it is, the cells, and which of them somebody chose. What draws it and what
   acts on it stands beside that under a name of its own, put there by `bridge.sheet`. */

const knownSheet = (id) => {
  const FIRST = { now: null, whole: null, short: [], cells: [], chosen: new Set(), blind: -1, page: 0, filter: "all" };
  const CAN_AGAIN = ["completed", "failed", "cancelled", "gone"];
  const lengths = () => sheet.whole.axes.map((axis) => axis.labels.length);
  const sheet = {
    ...FIRST, // `short`: the axes' labels as far as they differ; `blind`: the cell that waits for a second one
    address: `experiments/${encodeURIComponent(id)}`,
    id,
    isUnfinished: () => sheet.now.state === "running" || ["pending", "in_progress"].some((state) => sheet.now.counts[state]),
    placeOf: (index) => {
      let rest = index;
      return lengths().reverse().map((length) => [rest % length, (rest = Math.floor(rest / length))][0]).reverse();
    },
    labelsOf: (index) => sheet.placeOf(index).map((place, axis) => sheet.whole.axes[axis].labels[place]),
    nameOf: (index) => sheet.labelsOf(index).join(" · ") || sheet.now.name || sheet.whole.title,
    /* A number alone says little beside other labels. */
    captionOf: (index) => {
      const { axes } = sheet.whole;
      const caption = (label, axis) => (axes.length > 1 && label.length <= 10 ? `${axes[axis].title} ${label}` : label);
      return sheet.placeOf(index).map((place, axis) => caption(sheet.short[axis][place], axis)).join(" · ");
    },
    fits: (cell) => sheet.filter === "all" || cell.verdict === sheet.filter || cell.state === sheet.filter,
    isFlowing: () => sheet.whole.axes.length < 2 || sheet.filter !== "all",
    fileOf: (cell) => `media/${encodeURIComponent(cell.run)}/${encodeURIComponent(cell.file)}`,
    hasPicture: (cell) => cell?.kind === "image",
    hasResult: (index) => Boolean(sheet.cells[index]?.run) && sheet.cells[index].state === "completed",
    canRun: (cell) => sheet.now.own && CAN_AGAIN.includes(cell.state),
    stateWords: (cell) => {
      if (cell.state === "in_progress" && cell.share) return phrase("sh_running_share", { percent: Math.round(100 * cell.share) });
      return ["waiting", "skipped", "gone"].includes(cell.state) ? say(`sh_${cell.state}`) : say(`state_${cell.state}`);
    },
    /* The cells that a key or a button means: those that are chosen, or the one with the keyboard. */
    meant: () => {
      if (sheet.chosen.size) return [...sheet.chosen].sort((a, b) => a - b);
      return sheet.table.has(sheet.table.cursor()) ? [sheet.table.cursor()] : [];
    },
  };
  return sheet;
};
