/* An experiment's sheet ---------------------------------------------------------------------------
   It fills while its runs end: what changed since the version that is here is asked for, for as long as
   somebody looks and something may still change. */

/* Where somebody was on a sheet: its id -> page, filter, and where on the table. It outlives a reload. */
const lastSeen = (() => {
  const STORE = "bridge.sheets";
  const MOST = 20;
  const read = () => {
    try {
      return new Map(JSON.parse(sessionStorage.getItem(STORE) || "[]"));
    } catch {
      return new Map();
    }
  };
  const known = read();
  const put = (id, where) => {
    known.delete(id); // the newest stands last
    known.set(id, where);
    try {
      sessionStorage.setItem(STORE, JSON.stringify([...known].slice(-MOST)));
    } catch {
      // Not allowed to: it is known until the page is loaded anew.
    }
  };
  return { of: (id) => known.get(id) || {}, put };
})();

/* On the sheet of this experiment, the cell that a run stands in is where one is. */
bridge.sheetAt = (id, run) => lastSeen.put(id, { run });

/* `named` is told what it is called. */
bridge.sheet = (container, id, named) => {
  const OFTEN_MS = 700;
  const SELDOM_MS = 4000;
  const sheet = knownSheet(id);
  let version = "";
  let timer = 0;
  let asking = null;
  let isShown = false;
  let isClosed = false;
  let root = null;
  let endKeys = () => {};

  /* What is asked ------------------------------------------------------------------------------- */

  const look = async () => {
    clearTimeout(timer);
    asking?.abort();
    const mine = (asking = new AbortController());
    try {
      const answer = await fetch(`${sheet.address}?${new URLSearchParams({ since: version, lang })}`, { signal: mine.signal });
      const told = await answer.json().catch(() => ({}));
      if (!answer.ok) throw new Error(told.error || answer.statusText);
      if (isClosed || asking !== mine) return;
      take(told);
      lookLater(sheet.now.state === "paused" && !sheet.now.counts.in_progress ? SELDOM_MS : OFTEN_MS);
    } catch (error) {
      if (error.name === "AbortError" || isClosed) return;
      if (root) sheet.head.drawTrouble(whyFailed(error));
      else drawAlone(whyFailed(error));
      if (sheet.whole) lookLater(SELDOM_MS);
    }
  };
  const lookLater = (after) => {
    clearTimeout(timer);
    if (isShown && !document.hidden && (sheet.isUnfinished() || sheet.now.state === "paused")) timer = setTimeout(look, after);
  };

  const take = (told) => {
    sheet.now = told;
    version = told.version;
    if (told.whole) {
      sheet.whole = told.whole;
      sheet.cells.length = 0;
    }
    for (const cell of told.cells) sheet.cells[cell.index] = cell;
    if (told.whole) return begin();
    if (sheet.filter !== "all" && told.cells.some((cell) => sheet.fits(cell) !== sheet.table.has(cell.index))) sheet.laying.lay(true);
    else sheet.table.redraw(told.cells.map((cell) => cell.index));
    sheet.told();
  };

  sheet.tell = async (action, more = {}) => {
    const answer = await answered(fetch(sheet.address, { method: "POST", body: JSON.stringify({ action, lang, ...more }) }));
    if (answer.error) sheet.foot.note(answer.error);
    look();
    return !answer.error;
  };

  /* What it is made of -------------------------------------------------------------------------- */

  sheet.drawn = sheetCells(sheet);
  sheet.table = sheetTable(sheet.drawn.draw);
  sheet.laying = sheetLaying(sheet);
  sheet.deeds = sheetDeeds(sheet);
  sheet.promote = sheetPromoting(sheet);
  sheet.large = sheetLarge(sheet);
  sheet.exports = sheetExports(sheet);
  sheet.head = sheetHead(sheet);
  sheet.foot = sheetFoot(sheet);
  /* What is said of it is another now. */
  sheet.told = () => {
    named(sheet.now.name || sheet.whole.title);
    sheet.head.draw();
    sheet.foot.draw();
    root.dataset.state = sheet.now.state;
    root.classList.toggle("is-deleted", sheet.now.deleted);
  };
  sheet.goTo = (index) => {
    sheet.table.focus(index);
    sheet.foot.draw();
  };

  const begin = () => {
    const { axes } = sheet.whole;
    sheet.short = axes.map((axis) => apart(axis.labels));
    const isAgain = Boolean(root);
    const isBack = !isAgain && comeBack();
    sheet.page = Math.min(sheet.page, Math.max(0, (axes.length > 2 ? axes[0].labels.length : 1) - 1));
    if (!isAgain) build();
    sheet.head.drawAbout();
    sheet.head.draw(); // the table has what it leaves
    fill();
    sheet.laying.lay(isAgain || isBack);
    sheet.told();
  };

  /* To where somebody was when it was last shown, or to the cell that a link from a result means. Whether
     one sees then what one saw. */
  const comeBack = () => {
    const { run, page = 0, filter = "all", table } = lastSeen.of(id);
    const found = run ? sheet.cells.findIndex((cell) => cell?.run === run) : -1;
    const each = sheet.whole.axes.length > 2 ? sheet.cells.length / sheet.whole.axes[0].labels.length : Infinity;
    const isFound = found >= 0;
    Object.assign(sheet, isFound ? { page: Math.floor(found / each), filter: "all" } : { page, filter });
    sheet.table.point(isFound ? found : (table?.cursor ?? -1));
    if (table) sheet.table.comeBack(table);
    return Boolean(table);
  };
  const remember = () => root && lastSeen.put(id, { page: sheet.page, filter: sheet.filter, table: sheet.table.whereabouts() });

  const build = () => {
    const { element } = sheet.table;
    root = make("div", { class: "cs" },
      sheet.head.build(),
      make("p", { id: "cs-keys", class: "off-screen" }, say("sh_keys")),
      make("div", { class: "cs-light" }, element, sheet.laying.nothing, sheet.foot.element), sheet.deeds.said);
    element.setAttribute("aria-label", say("sh_sheet"));
    element.setAttribute("aria-describedby", "cs-keys");
    endKeys = sheetKeys(sheet);
    container.replaceChildren(root);
    filled.observe(document.querySelector(".gradio-container .contain"));
  };

  const drawAlone = (sentence) => {
    const retry = pressable("action", { onclick: look }, say("sh_try_again"));
    const back = pressable("action", { onclick: () => openExperiments() }, say("sh_back_hint"));
    named("");
    container.replaceChildren(make("div", { class: "cs-nothing is-alone" }, make("p", { role: "alert" }, sentence), make("div", { class: "action-row" }, retry, back)));
  };

  /* The light table has what the window leaves it, whatever stands above. On a phone the page scrolls. */
  const fill = () => {
    if (!root?.offsetParent) return;
    const room = Math.max(460, innerHeight - (root.getBoundingClientRect().top + scrollY) - 16);
    root.style.setProperty("--room", `${Math.floor(room)}px`);
  };
  const filled = new ResizeObserver(fill);
  addEventListener("resize", fill);

  /* It is there, and it is left ----------------------------------------------------------------- */

  const seen = new IntersectionObserver((entries) => {
    const isNow = entries.at(-1).isIntersecting;
    if (isNow === isShown) return;
    isShown = isNow;
    if (isShown) look();
    else clearTimeout(timer);
  });
  const noticed = () => {
    if (document.hidden) remember();
    else if (isShown) look();
  };
  document.addEventListener("visibilitychange", noticed);
  addEventListener("pagehide", remember);
  container.replaceChildren(sheetToCome(say("sh_loading")));
  seen.observe(container);

  return {
    close: () => {
      isClosed = true;
      remember();
      removeEventListener("pagehide", remember);
      clearTimeout(timer);
      sheet.foot.end();
      endKeys();
      asking?.abort();
      seen.disconnect();
      filled.disconnect();
      removeEventListener("resize", fill);
      sheet.table.end();
      document.removeEventListener("visibilitychange", noticed);
      container.replaceChildren();
    },
  };
};
