/* Which cells of a sheet stand on the table: those of a page, or those that somebody wants to see ----------- */

const sheetLaying = (sheet) => {
  const nothing = make("div", { class: "cs-nothing", hidden: true });

  /* Anew, or as far as it `stays`: the cell with the keyboard in view, or what was in view. */
  const lay = (stays = false) => {
    const { table, whole, cells, page, short } = sheet;
    const hadFocus = table.element.contains(document.activeElement);
    const [columns, rows] = [whole.axes.at(-1), whole.axes.at(-2)];
    if (sheet.isFlowing()) {
      const shown = cells.filter((cell) => cell && sheet.fits(cell)).map((cell) => cell.index);
      table.lay({ cells: shown, across: 1, columns: null, rows: null, ratio: whole.ratio, captions: whole.axes.length > 0, titles: {}, whole: {} });
    } else {
      const count = columns.labels.length * rows.labels.length;
      table.lay({
        cells: Array.from({ length: count }, (_, place) => page * count + place), across: columns.labels.length,
        columns: short.at(-1), rows: short.at(-2), ratio: whole.ratio, captions: false,
        titles: { columns: columns.title, rows: rows.title }, whole: { columns: columns.labels, rows: rows.labels },
      });
    }
    if (!stays) table.reveal(table.cursor());
    if (hadFocus) table.refocus();
    drawNothing();
  };

  const turn = (to) => {
    const { table, whole } = sheet;
    if (whole.axes.length < 3 || sheet.filter !== "all") return;
    const pages = whole.axes[0].labels.length;
    const next = Math.max(0, Math.min(pages - 1, to));
    if (next === sheet.page) return;
    const each = sheet.cells.length / pages;
    const cursor = next * each + (Math.max(0, table.cursor()) % each);
    const hadFocus = table.element.contains(document.activeElement);
    const [top, left] = [table.element.scrollTop, table.element.scrollLeft];
    sheet.page = next;
    table.point(cursor);
    lay(true);
    // Turning pages is comparing them: what one looks at stays in its place.
    [table.element.scrollTop, table.element.scrollLeft] = [top, left];
    if (hadFocus) table.refocus();
    sheet.told();
  };

  const show = (filter) => {
    sheet.filter = filter;
    lay();
    sheet.told();
  };

  const drawNothing = () => {
    const { table, filter } = sheet;
    nothing.hidden = table.cells().length > 0;
    table.element.hidden = !nothing.hidden;
    if (nothing.hidden) return;
    const hint = say(`sh_none_${filter}_hint`);
    nothing.replaceChildren(make("p", { class: "cs-nothing-title" }, say(`sh_none_${filter}`) || ""), ...(hint ? [make("p", {}, hint)] : []), pressable("action", { onclick: () => show("all") }, say("sh_all")));
  };

  return { nothing, lay, turn, show };
};
