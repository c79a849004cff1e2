/* The table of a contact sheet -------------------------------------------------------------------
   Cells of one size at places that are computed, of which those in view and near it stand in the page: ten
   thousand take no more of the browser than a screenful. Labels stay in view at the top and on the left.
   It knows places only; what a cell looks like its owner draws. */

const sheetTable = (drawCell) => {
  const GAP = 10;
  const EDGE = 16; // the light table around the cells
  const RING = 6; // around the cell that has the keyboard
  const SMALLER = 11 / 13; // the axes' names beside the labels
  const SIZES = [64, 88, 112, 144, 184, 232, 288, 360, 460];
  const head = make("div", { class: "cs-heads", role: "row", "aria-rowindex": 1 });
  const space = make("div", { class: "cs-space", role: "presentation" }, head);
  const element = make("div", { class: "cs-table", role: "grid" }, space);
  const heads = new Map(); // column -> its label's element
  const rows = new Map(); // row -> { row, cells: column -> element }
  let laid = { cells: [], across: 1, columns: null, rows: null };
  let places = new Map(); // index of a cell -> where it stands among `cells`
  let size = 0; // as somebody chose it; 0 fits
  let at = { width: 1, height: 1, head: 0, side: 0, across: 1 };
  let cursor = -1; // the cell that Tab comes to
  let wished = -1; // the one that somebody went to, which may not stand here now
  let due = null; // how far it is to be scrolled, by cells, as soon as there is room
  let scrolled = { rows: 0, columns: 0 }; // how far it is, by cells
  let isDue = false;

  /* Where things are ---------------------------------------------------------------------------- */

  const isPhone = () => innerWidth < 720;
  /* About as wide as a text is; Chinese signs are twice as wide as Latin letters. */
  const widthOf = (text) => text.length * 7.7 + (text.match(/[\u2e80-\uffef]/g)?.length || 0) * 5.3;
  const longest = (labels) => labels.reduce((most, label) => Math.max(most, widthOf(label)), 0);
  const clamp = (least, value, most) => Math.max(least, Math.min(value, most));

  /* As high as the table is with a foot of one line: what the foot says moves no picture. */
  const FOOT = 46;
  const roomAbove = () => (isPhone() ? 0 : (element.parentElement?.clientHeight || 0) - FOOT);
  const fitting = (room, side, count) => {
    const [least, most] = isPhone() ? [92, 260] : [112, 320];
    const byWidth = (room - side - (laid.columns ? GAP : 0) * count) / count;
    if (!laid.rows || isPhone()) return clamp(least, byWidth, most);
    // A whole sheet at a glance tells more than a few large pictures.
    const byHeight = ((roomAbove() - 60) / laid.rows.length - GAP) * laid.ratio;
    return clamp(least, Math.min(byWidth, Math.max(byHeight, 168)), most);
  };

  const flowing = (room) => {
    const wanted = size || (isPhone() ? (room - GAP) / 2 : clamp(200, (room - GAP * (laid.cells.length - 1)) / Math.max(1, laid.cells.length), 340));
    const across = Math.max(1, Math.floor((room + GAP + 1) / (wanted + GAP)));
    const stretched = (room - GAP * (across - 1)) / across;
    return [across, Math.floor(laid.cells.length >= across && !size ? stretched : wanted)];
  };

  const measure = () => {
    const room = element.clientWidth - 2 * EDGE;
    if (room <= 0) return false;
    let [across, width, side, top] = [laid.across, 0, 0, 0];
    if (laid.columns) {
      const names = [laid.titles.columns, laid.titles.rows];
      const words = names.flatMap((name) => name.split(/\s+|(?<=[\u2e80-\uffef]{4})/));
      side = laid.rows ? clamp(isPhone() ? 64 : 84, Math.max(longest(laid.rows) + 28, Math.max(longest(words), longest(names) / 2) * SMALLER + 44), isPhone() ? 96 : 176) : 0;
      width = Math.floor(size || fitting(room, side, across));
      const lines = clamp(1, Math.ceil(longest(laid.columns) / (width - 4)), 3);
      const cornerLines = names.map((name) => clamp(1, Math.ceil((widthOf(name) * SMALLER) / (side - 34)), 3));
      top = Math.max(lines * 18 + 16, side ? (cornerLines[0] + cornerLines[1]) * 15 + 16 : 0);
    } else [across, width] = flowing(room);
    const picture = Math.round(width / laid.ratio);
    at = { across, width, picture, height: picture + (laid.captions ? 42 : 0), head: top, side };
    const down = Math.ceil(laid.cells.length / across);
    const gaps = laid.columns ? GAP : 0;
    space.style.width = laid.columns ? `${2 * EDGE + side + across * (width + GAP) - (side ? 0 : GAP)}px` : "100%";
    space.style.height = `${top + (top ? RING : EDGE) + down * (at.height + GAP) - (gaps ? 0 : GAP) + EDGE}px`;
    head.style.height = `${top}px`;
    head.hidden = !top;
    element.style.setProperty("--cell", `${width}px`);
    element.style.setProperty("--picture", `${picture}px`);
    element.style.setProperty("--side", `${side + EDGE}px`);
    element.setAttribute("aria-rowcount", down + (top ? 1 : 0));
    element.setAttribute("aria-colcount", across + (side ? 1 : 0));
    return true;
  };
  const topOf = (row) => (at.head ? at.head + RING : EDGE) + row * (at.height + GAP);
  const leftOf = (column) => EDGE + at.side + (at.side ? GAP : 0) + column * (at.width + GAP);

  /* What stands in the page --------------------------------------------------------------------- */

  const span = (start, length, first, step, count) => {
    const spare = length / 2;
    return [clamp(0, Math.floor((start - spare - first) / step), count), clamp(0, Math.ceil((start + length + spare - first) / step), count)];
  };

  const draw = (holds = false) => {
    isDue = false;
    if (!element.clientWidth) return;
    const down = Math.ceil(laid.cells.length / at.across);
    const [firstRow, lastRow] = span(element.scrollTop, element.clientHeight, at.head, at.height + GAP, down);
    const columns = laid.columns ? span(element.scrollLeft, element.clientWidth, at.side, at.width + GAP, at.across) : [0, at.across];
    const held = holds || element.contains(document.activeElement) ? places.get(cursor) : undefined; // the focus is not lost
    for (const [row, one] of rows) if ((row < firstRow || row >= lastRow) && row !== Math.floor(held / at.across)) (one.row.remove(), rows.delete(row));
    for (let row = firstRow; row < lastRow; row++) drawRow(row, columns, held);
    if (held !== undefined && !elementOf(cursor)) drawRow(Math.floor(held / at.across), [held % at.across, (held % at.across) + 1], held);
    drawHeads(columns);
    scrolled = { rows: element.scrollTop / (at.height + GAP), columns: element.scrollLeft / (at.width + GAP) };
    element.classList.toggle("is-moved-down", element.scrollTop > 2);
    element.classList.toggle("is-moved-right", element.scrollLeft > 2);
  };
  const drawSoon = () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => draw());
  };

  const drawHeads = ([first, last]) => {
    if (!laid.columns) return;
    for (const [column, one] of heads) if (column < first || column >= last) (one.remove(), heads.delete(column));
    for (let column = first; column < last; column++) {
      if (heads.has(column)) continue;
      const label = laid.columns[column];
      const one = make("div", { class: "cs-column", role: "columnheader", "aria-colindex": column + 1 + (at.side ? 1 : 0), title: laid.whole.columns[column], style: `left:${leftOf(column)}px` }, make("span", {}, label));
      heads.set(column, one);
      head.append(one);
    }
  };

  const rowAt = (row) => {
    if (rows.has(row)) return rows.get(row);
    const box = make("div", { class: "cs-row", role: "row", "aria-rowindex": row + 1 + (at.head ? 1 : 0), style: `top:${topOf(row)}px` });
    if (at.side) box.append(make("div", { class: "cs-label", role: "rowheader", "aria-colindex": 1, title: laid.whole.rows[row] }, make("span", {}, laid.rows[row])));
    const made = { row: box, cells: new Map() };
    rows.set(row, made);
    space.append(box);
    return made;
  };

  const drawRow = (row, [first, last], held) => {
    const { row: box, cells } = rowAt(row);
    for (const [column, cell] of cells) if ((column < first || column >= last) && row * at.across + column !== held) (cell.remove(), cells.delete(column));
    for (let column = first; column < last; column++) {
      const index = laid.cells[row * at.across + column];
      if (index === undefined || cells.has(column)) continue;
      const cell = make("div", { class: "cs-cell", role: "gridcell", "data-index": index, "aria-colindex": column + 1 + (at.side ? 1 : 0), style: `left:${leftOf(column)}px` });
      cells.set(column, cell);
      drawCell(cell, index, index === cursor);
      box.append(cell);
    }
  };

  const elementOf = (index) => {
    const place = places.get(index);
    return place === undefined ? undefined : rows.get(Math.floor(place / at.across))?.cells.get(place % at.across);
  };

  const redraw = (indices) => {
    for (const index of indices || places.keys()) {
      const cell = elementOf(index);
      if (cell) drawCell(cell, index, index === cursor);
    }
  };

  const layAnew = () => {
    const hadFocus = element.contains(document.activeElement);
    for (const one of heads.values()) one.remove();
    for (const { row } of rows.values()) row.remove();
    heads.clear();
    rows.clear();
    head.querySelector(".cs-corner")?.remove();
    if (!measure()) return;
    const named = (of) => make("div", { class: `cs-corner-${of}`, title: laid.titles[of] }, make("span", {}, laid.titles[of]));
    if (at.side) head.append(make("div", { class: "cs-corner", role: "columnheader", "aria-colindex": 1 }, named("columns"), named("rows")));
    if (due) Object.assign(element, { scrollTop: due.rows * (at.height + GAP), scrollLeft: due.columns * (at.width + GAP) });
    due = null;
    draw(hadFocus);
    // Where one looks is not always where the focus is.
    if (hadFocus) elementOf(cursor)?.querySelector(".cs-open")?.focus({ preventScroll: true });
  };

  /* Going about --------------------------------------------------------------------------------- */

  const point = (index) => {
    const before = cursor;
    wished = cursor = index;
    redraw([before, index]);
  };

  const reveal = (index) => {
    const place = places.get(index);
    if (place === undefined) return;
    const [row, column] = [Math.floor(place / at.across), place % at.across];
    const [top, left] = [topOf(row), leftOf(column)];
    const [over, beside] = [at.head ? at.head + RING : EDGE, at.side ? at.side + EDGE + GAP : EDGE];
    if (top < element.scrollTop + over) element.scrollTop = top - over;
    else if (top + at.height + GAP > element.scrollTop + element.clientHeight) element.scrollTop = top + at.height + GAP - element.clientHeight;
    if (left < element.scrollLeft + beside) element.scrollLeft = left - beside;
    else if (left + at.width + GAP > element.scrollLeft + element.clientWidth) element.scrollLeft = left + at.width + GAP - element.clientWidth;
    draw();
  };

  const focus = (index) => {
    if (!places.has(index)) return;
    point(index);
    reveal(index);
    point(index);
    elementOf(index)?.querySelector(".cs-open")?.focus({ preventScroll: true });
  };

  /* The cell that stands in for the one that somebody went to, where that is not here. */
  const nearest = () => (places.has(wished) ? wished : (laid.cells.find((index) => index > wished) ?? laid.cells.at(-1) ?? -1));

  const isInView = (index) => {
    const cell = elementOf(index);
    if (!cell) return false;
    const [own, box] = [cell.getBoundingClientRect(), element.getBoundingClientRect()];
    return own.bottom > box.top + at.head && own.top < box.bottom && own.right > box.left + at.side && own.left < box.right;
  };
  /* What one looks at: the cell with the keyboard, or where that is out of sight the first that is in it. */
  const looked = () => (isInView(cursor) ? cursor : laid.cells.find(isInView));
  /* After this the cell that one looks at is where it was. */
  const stay = (change) => {
    const index = looked();
    const before = elementOf(index)?.getBoundingClientRect();
    change();
    if (before === undefined) return;
    reveal(index);
    const after = elementOf(index)?.getBoundingClientRect();
    if (!after) return;
    element.scrollTop += after.top - before.top;
    element.scrollLeft += after.left - before.left;
    draw();
  };

  /* The cell that a key leads to from this one. */
  const beside = (index, key, isFar) => {
    const place = places.get(index);
    const start = place - (place % at.across);
    const end = Math.min(start + at.across, laid.cells.length) - 1;
    const down = place + at.across < laid.cells.length ? place + at.across : place;
    const to = { ArrowRight: place + 1, ArrowLeft: place - 1, ArrowDown: down, ArrowUp: place - at.across, Home: isFar ? 0 : start, End: isFar ? laid.cells.length - 1 : end }[key];
    return to === undefined ? undefined : (laid.cells[to] ?? index);
  };

  element.addEventListener("scroll", drawSoon, { passive: true });
  const watched = new ResizeObserver(() => {
    const [width, height] = [element.clientWidth, element.clientHeight];
    if (!width || (width === laid.width && height === laid.height)) return;
    const isSame = width === laid.width && roomAbove() === laid.room;
    Object.assign(laid, { width, height, room: roomAbove() });
    if (isSame) draw();
    else stay(layAnew);
  });
  watched.observe(element);

  return {
    element,
    /* `cells`: the indices, row by row. With `columns` they stand under labels, `across` in a row; without,
       as many in a row as there is room for. `ratio`: of a picture, width by height. */
    lay: (wanted) => {
      laid = { ...wanted, width: element.clientWidth, height: element.clientHeight, room: roomAbove() };
      places = new Map(laid.cells.map((index, place) => [index, place]));
      cursor = nearest();
      layAnew();
    },
    ratio: (ratio) => {
      laid.ratio = ratio;
      stay(layAnew);
    },
    zoom: (by) => {
      const next = by > 0 ? SIZES.find((one) => one > at.width + 4) : SIZES.findLast((one) => one < at.width - 4);
      if (next) size = next;
      stay(layAnew);
      return [Boolean(SIZES.find((one) => one > at.width + 4)), Boolean(SIZES.findLast((one) => one < at.width - 4))];
    },
    redraw,
    /* The focus goes to the cell that Tab comes to, wherever one looks. */
    refocus: () => {
      if (!elementOf(cursor)) draw(true);
      elementOf(cursor)?.querySelector(".cs-open")?.focus({ preventScroll: true });
    },
    focus,
    point,
    reveal,
    beside,
    elementOf,
    cursor: () => cursor,
    /* Where one is on it: what is told here it takes back with `comeBack`, before cells are laid. */
    whereabouts: () => ({ cursor, size, ...scrolled }),
    comeBack: (where) => {
      size = where.size;
      due = { rows: where.rows, columns: where.columns };
    },
    has: (index) => places.has(index),
    cells: () => laid.cells,
    width: () => at.width,
    end: () => watched.disconnect(),
  };
};

/* Labels without the words that all of them begin and end with: what is left tells them apart. */
const apart = (labels) => {
  if (labels.length < 2 || labels.every((label) => label.length <= 24)) return labels;
  const words = labels.map((label) => label.split(/(?<=\s)/));
  const fewest = Math.min(...words.map((one) => one.length));
  const same = (pick) => words.every((one) => pick(one).trim() === pick(words[0]).trim());
  let [from, back] = [0, 0];
  while (from < fewest - 1 && same((one) => one[from])) from++;
  while (back < fewest - 1 - from && same((one) => one.at(-1 - back))) back++;
  if (from < 2) from = 0;
  if (back < 2) back = 0;
  return words.map((one) => [from ? "… " : "", one.slice(from, one.length - back).join("").trim().replace(/[,;.:，；。：]+$/, ""), back ? " …" : ""].join(""));
};
