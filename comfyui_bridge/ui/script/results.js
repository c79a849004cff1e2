/* Results ---------------------------------------------------------------------------------------
   All found runs are known by their ids; only those in view and near it are described and drawn, so that
   ten thousand of them take no more of the browser than sixty. */

const phrase = (key, values) => say(key).replace(/\{(\w+)\}/g, (gap, name) => (name in values ? String(values[name]) : gap));
const tally = (key, count, values = {}) => phrase(count === 1 && say(`${key}_one`) ? `${key}_one` : key, { count: count.toLocaleString(lang), ...values });
const saidIn = () => (lang === "zh" ? "zh-CN" : lang);
const dated = (at) => new Date(at * 1000).toLocaleString(saidIn(), { dateStyle: "medium", timeStyle: "short" });
/* As short as it is clear: today's by the hour, this year's without the year. */
const datedShort = (at) => {
  const [date, now] = [new Date(at * 1000), new Date()];
  if (date.toDateString() === now.toDateString()) return date.toLocaleTimeString(saidIn(), { timeStyle: "short" });
  const isThisYear = date.getFullYear() === now.getFullYear();
  return date.toLocaleDateString(saidIn(), isThisYear ? { month: "short", day: "numeric" } : { dateStyle: "medium" });
};
const pressable = (name, attributes, ...children) => make("button", { type: "button", class: name, ...attributes }, ...children);

const results = (() => {
  const FILTERS = ["q", "template", "model", "state", "date", "since", "until", "starred", "who"];
  const MOST_TILES = 600; // described ones that are held, far more than fit on any screen
  const BIN_MS = 3600e3;
  const BIN = "bridge.bin"; // what this tab threw away within the hour
  let root = null;
  let parts = {};
  let isEveryone = false; // runs of everyone may be looked at here
  let filters = {};
  let found = null; // the newest answer
  let ids = [];
  let places = new Map(); // where an id stands in ids
  const tiles = new Map(); // id -> its description, the one used last at the end
  const rows = new Map(); // id -> its element, of those drawn
  const chosen = new Set();
  let cursor = ""; // the id of the tile that Tab comes to
  let anchor = ""; // where a range begins
  let isShown = false;
  let asking = null; // the question under way
  let typing = 0; // what is typed is looked for in a moment
  let bin = [];

  /* What is looked for -------------------------------------------------------------------------- */

  const readFilters = (asked) => {
    filters = Object.fromEntries(FILTERS.map((name) => [name, asked[name] || ""]));
  };
  const nameFilters = () => nameShown("results", FILTERS.filter((name) => filters[name]).map((name) => [name, filters[name]]));

  const day = (text, add = 0) => {
    const date = text ? new Date(`${text}T00:00:00`) : new Date();
    if (Number.isNaN(date.getTime())) return "";
    date.setHours(0, 0, 0, 0);
    date.setDate(date.getDate() + add);
    return String(date.getTime() / 1000);
  };

  const question = () => {
    const asked = new URLSearchParams({ lang });
    for (const name of ["q", "template", "model", "state", "starred", "who"]) if (filters[name]) asked.set(name, filters[name]);
    const since = { today: day(""), week: day("", -6), month: day("", -29) }[filters.date] || (filters.date === "between" && filters.since && day(filters.since));
    const until = filters.date === "between" && filters.until && day(filters.until, 1);
    if (since) asked.set("since", since);
    if (until) asked.set("until", until);
    return asked;
  };

  const isNarrowed = () => FILTERS.some((name) => filters[name] && name !== "who");

  /* `stays`: the same is looked for again, and whoever reads on is not sent to the top. */
  const look = async (stays = false) => {
    if (!parts.grid) return;
    asking?.abort();
    const mine = (asking = new AbortController());
    root.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(`results?${question()}`, { signal: mine.signal });
      if (!answer.ok) throw new Error((await answer.text()).slice(0, 200) || answer.statusText);
      take(await answer.json(), stays);
    } catch (error) {
      if (error.name === "AbortError") return;
      found = null;
      drawState(whyFailed(error));
    }
    if (asking === mine) root.removeAttribute("aria-busy");
  };

  const take = (answer, stays) => {
    found = answer;
    ids = answer.ids;
    places = new Map(ids.map((id, place) => [id, place]));
    for (const id of chosen) if (!places.has(id)) chosen.delete(id);
    if (!places.has(cursor)) cursor = ids[0] || "";
    if (!stays) tiles.clear();
    // What has ended or changed since is described anew when it is drawn.
    else for (const [id, tile] of tiles) if (["pending", "in_progress"].includes(tile.state)) tiles.delete(id);
    for (const tile of answer.tiles) hold(tile);
    if (!stays && isShown && root.getBoundingClientRect().top < 0) window.scrollTo({ top: 0 });
    drawHead();
    drawState("");
    measure();
    draw(true);
    drawFoot();
    lightbox.listed();
  };

  const hold = (tile) => {
    tiles.delete(tile.run);
    tiles.set(tile.run, tile);
    for (const id of tiles.keys()) {
      if (tiles.size <= MOST_TILES) break;
      if (!rows.has(id)) tiles.delete(id);
    }
  };

  /* The head ------------------------------------------------------------------------------------ */

  const set = (name, value) => {
    filters[name] = value;
    if (name === "date" && value !== "between") filters.since = filters.until = "";
    nameFilters();
    look();
  };

  const select = (name, label) =>
    make("label", { class: "res-filter" }, make("span", { class: "off-screen" }, say(label)),
      make("select", { name, onchange: (event) => set(name, event.target.value) }));

  const date = (name, label) =>
    make("label", { class: "res-date" }, make("span", {}, say(label)), make("input", { type: "date", name, onchange: (event) => set(name, event.target.value) }));

  const lay = () => {
    const search = make("input", { type: "search", class: "res-search", placeholder: say("res_search_hint"), "aria-label": say("res_search"), autocomplete: "off",
      oninput: () => {
        clearTimeout(typing);
        typing = setTimeout(() => {
          typing = 0;
          set("q", search.value.trim());
        }, 200);
      } });
    const fold = pressable("action res-fold", { "aria-expanded": "false", onclick: () => fold.setAttribute("aria-expanded", String(filterRow.classList.toggle("is-open"))) });
    const starred = pressable("chip", { "aria-pressed": "false", onclick: () => set("starred", filters.starred ? "" : "1") }, say("res_starred"));
    const between = make("span", { class: "res-between", hidden: true }, date("since", "res_from"), date("until", "res_to"));
    const clear = pressable("link res-clear", { onclick: clearFilters }, say("res_clear"));
    const filterRow = make("div", { class: "res-filters" },
      select("template", "res_template"), select("model", "res_model"), select("state", "res_state"), select("date", "res_date"), between, starred, select("who", "res_who"), clear);
    const grid = make("ul", { class: "res-grid", "aria-label": say("res_grid"), "aria-describedby": "res-keys" });
    const foot = make("div", { class: "res-foot" });
    parts = {
      search, fold, filterRow, starred, between, clear, grid, foot,
      count: make("p", { class: "res-count", role: "status" }),
      usage: make("p", { class: "res-usage" }),
      state: make("div", { class: "res-state" }),
      space: make("div", { class: "res-space" }, grid),
    };
    const keys = make("p", { id: "res-keys", class: "off-screen" }, say("res_grid_keys"));
    root.replaceChildren(make("div", { class: "res-head" }, search, fold, filterRow), make("div", { class: "res-said" }, parts.count, parts.usage), parts.state, keys, parts.space, foot);
    grid.addEventListener("click", clicked);
    grid.addEventListener("keydown", typed);
    grid.addEventListener("focusin", (event) => {
      const row = event.target.closest("li");
      if (row) point(row.dataset.run);
    });
    rows.clear();
  };

  const clearFilters = () => {
    filters = { ...Object.fromEntries(FILTERS.map((name) => [name, ""])), who: filters.who };
    clearTimeout(typing);
    typing = 0;
    parts.search.value = "";
    nameFilters();
    look();
  };

  const options = (name, any, list) => {
    const box = parts.filterRow.querySelector(`select[name="${name}"]`);
    if (!box) return;
    const value = filters[name];
    // What is looked for stays in the list though nothing has it.
    if (value && !list.some(([one]) => one === value)) list = [...list, [value, value.replace(/^person:/, "")]];
    const key = JSON.stringify(list);
    if (box.dataset.key !== key) {
      box.dataset.key = key;
      box.replaceChildren(make("option", { value: "" }, any), ...list.map(([one, words]) => make("option", { value: one }, words)));
    }
    box.value = value;
    box.parentElement.classList.toggle("is-set", Boolean(value));
  };

  const drawHead = () => {
    if (!typing && parts.search.value.trim() !== filters.q) parts.search.value = filters.q;
    options("template", say("res_any_template"), found.templates);
    options("model", say("res_any_model"), found.models.map((name) => [name, name]));
    options("state", say("res_any_state"), ["completed", "failed", "cancelled", "in_progress", "pending"].map((one) => [one, say(`state_${one}`)]));
    options("date", say("res_any_date"), ["today", "week", "month", "between"].map((one) => [one, say(`res_${one}`)]));
    options("who", say("res_mine"), found.whose);
    parts.filterRow.querySelector("[name=who]").parentElement.hidden = !found.whose.length && !filters.who;
    parts.between.hidden = filters.date !== "between";
    for (const name of ["since", "until"]) parts.between.querySelector(`[name=${name}]`).value = filters[name];
    parts.starred.setAttribute("aria-pressed", String(Boolean(filters.starred)));
    parts.clear.hidden = !isNarrowed();
    const set = FILTERS.filter((name) => filters[name] && !["q", "since", "until"].includes(name)).length;
    setText(parts.fold, set ? phrase("res_filters_count", { count: set }) : say("res_filters"));
    const isCut = found.count > ids.length;
    setText(parts.count, isCut ? phrase("res_most", { shown: ids.length.toLocaleString(lang), count: found.count.toLocaleString(lang) }) : ids.length ? tally("res_count", ids.length) : "");
    setText(parts.usage, found.usage);
  };

  const drawState = (problem) => {
    const box = parts.state;
    box.hidden = !problem && ids.length > 0 && Boolean(found);
    box.replaceChildren();
    parts.space.hidden = !box.hidden;
    if (problem) box.append(make("p", { role: "alert" }, phrase("res_failed", { why: problem })), pressable("action", { onclick: () => look() }, say("res_retry")));
    else if (!ids.length && isNarrowed()) box.append(make("p", { class: "res-state-title" }, say("res_none")), make("p", {}, say("res_none_hint")), pressable("action", { onclick: clearFilters }, say("res_clear")));
    else if (!ids.length) {
      const row = make("div", { class: "action-row" }, pressable("action main", { "data-tab": "create" }, say("res_go_create")));
      if (isEveryone && filters.who !== "everyone") row.append(pressable("action", { onclick: () => set("who", "everyone") }, say("res_everyone")));
      box.append(make("p", { class: "res-state-title" }, say("no_results")), make("p", {}, say("no_results_hint")), row);
    }
  };

  /* The grid: rows of one height, of which those near the window stand in the page. -------------- */

  let awaited = ""; // has the focus once it is described
  let columns = 1;
  let height = 1; // of a row, its gap included
  const GAP = 16;
  const measure = () => {
    const width = parts.space.clientWidth;
    if (!width) return;
    const least = width < 560 ? 140 : 172;
    const gap = width < 560 ? 10 : GAP;
    columns = Math.max(2, Math.floor((width + gap) / (least + gap)));
    const side = (width - gap * (columns - 1)) / columns;
    height = Math.round(side) + 48 + gap;
    parts.grid.style.setProperty("--columns", columns);
    parts.grid.style.setProperty("--gap", `${gap}px`);
    parts.grid.style.setProperty("--tile", `${height - gap}px`);
    parts.space.style.height = `${Math.max(0, Math.ceil(ids.length / columns) * height - gap)}px`;
  };

  let isDue = false;
  const drawSoon = () => {
    if (isDue || !isShown) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      draw();
    });
  };

  const draw = (anew = false) => {
    if (!isShown || !parts.space || !ids.length || !parts.space.clientWidth) return;
    const top = -parts.space.getBoundingClientRect().top;
    const spare = innerHeight; // one window above, one below
    const first = Math.max(0, Math.floor((top - spare) / height)) * columns;
    const last = Math.min(ids.length, Math.ceil((top + innerHeight + spare) / height) * columns);
    const wanted = ids.slice(Math.min(first, ids.length), Math.max(first, last));
    const near = new Set(wanted);
    for (const [id, row] of rows) {
      if (near.has(id)) continue;
      row.remove();
      rows.delete(id);
    }
    parts.grid.style.transform = `translateY(${(first / columns) * height}px)`;
    wanted.forEach((id, index) => {
      let row = rows.get(id);
      const isNew = !row;
      if (isNew) rows.set(id, (row = make("li", { class: "res-tile", "data-run": id })));
      if (isNew || anew || row.classList.contains("is-empty")) drawTile(row, id);
      if (parts.grid.children[index] !== row) parts.grid.insertBefore(row, parts.grid.children[index] || null);
      row.setAttribute("aria-setsize", ids.length);
      row.setAttribute("aria-posinset", first + index + 1);
    });
    point(cursor);
    if (wanted.some((id) => !tiles.has(id))) describeSoon();
  };

  let describing = 0;
  const describeSoon = () => {
    if (!describing) describing = setTimeout(describe, 50);
  };
  const describe = async () => {
    const missing = [...rows.keys()].filter((id) => !tiles.has(id)).slice(0, 200);
    try {
      if (missing.length) {
        const answer = await fetch(`results/tiles?${new URLSearchParams({ ids: missing.join(" "), lang })}`);
        if (!answer.ok) throw new Error(answer.statusText);
        const told = (await answer.json()).tiles;
        for (const tile of told) hold(tile);
        // One that is gone meanwhile is asked for no more.
        const known = new Set(told.map((tile) => tile.run));
        for (const id of missing) if (!known.has(id)) hold({ run: id, title: "", state: "cancelled", at: 0, words: "", thumbnail: "", name: "", kind: "", count: 0, text: "", why: "", starred: false, own: false });
      }
    } catch {
      describing = setTimeout(describe, 3000);
      return;
    }
    describing = 0;
    draw();
  };

  const titleOf = (tile) => tile.words || tile.title;
  const drawTile = (row, id) => {
    const tile = tiles.get(id);
    row.classList.toggle("is-empty", !tile);
    if (!tile) {
      if (!row.firstChild) row.append(make("span", { class: "thumb" }));
      return;
    }
    row.dataset.state = tile.state;
    row.classList.toggle("is-chosen", chosen.has(id));
    const key = JSON.stringify([tile, lang]);
    if (row.dataset.key !== key) {
      row.dataset.key = key;
      fillTile(row, tile);
    }
    if (awaited === id) {
      awaited = "";
      point(id);
      row.querySelector("a").focus({ preventScroll: true });
    }
    row.querySelector(".res-pick").setAttribute("aria-checked", String(chosen.has(id)));
    row.querySelector(".res-star").setAttribute("aria-pressed", String(tile.starred));
  };

  const fillTile = (row, tile) => {
    const state = say(`state_${tile.state}`);
    const label = phrase("res_tile", { title: titleOf(tile), state: tile.why || state, date: dated(tile.at) });
    const isOver = tile.state === "completed";
    const line = isOver ? [datedShort(tile.at), tile.title] : [state, datedShort(tile.at), tile.title];
    const open = make("a", { class: "res-open", href: `?run=${encodeURIComponent(tile.run)}`, "aria-label": label, title: [titleOf(tile), tile.why].filter(Boolean).join("\n") },
      thumb(tile), make("span", { class: "res-caption" }, make("b", {}, titleOf(tile)), make("span", {}, line.filter(Boolean).join(" · "))));
    const focused = row.contains(document.activeElement) ? document.activeElement.className : "";
    row.replaceChildren(open,
      pressable("res-pick", { role: "checkbox", "aria-label": phrase("res_pick", { title: titleOf(tile) }) }),
      pressable("res-star", { "aria-label": phrase("res_star", { title: titleOf(tile) }), disabled: !tile.own, hidden: !tile.own }));
    if (focused) row.querySelector(`.${focused}`)?.focus({ preventScroll: true });
  };

  const thumb = (tile) => {
    const box = make("span", { class: "thumb" });
    if (tile.thumbnail) {
      const image = make("img", { src: tile.thumbnail, alt: "", loading: "lazy", decoding: "async" });
      image.addEventListener("error", () => image.remove(), { once: true });
      box.append(image);
    } else if (tile.kind) {
      box.append(make("span", { class: "res-kind" }, make("b", {}, (tile.name.split(".").pop() || tile.kind).toUpperCase()), make("span", {}, tile.name)));
    } else if (tile.text) {
      box.append(make("span", { class: "res-text" }, tile.text));
    } else {
      box.append(make("span", { class: "res-why" }, tile.why || say(`state_${tile.state}`)));
    }
    if (tile.count > 1) box.append(make("span", { class: "count", "aria-label": phrase("res_files", { count: tile.count }) }, String(tile.count)));
    return box;
  };

  /* One tile is the one that Tab comes to; arrows move on from it. ------------------------------- */

  const point = (id) => {
    cursor = id;
    for (const [one, row] of rows) for (const part of row.querySelectorAll("a, button")) part.tabIndex = one === id ? 0 : -1;
  };

  const goTo = (place) => {
    place = Math.max(0, Math.min(ids.length - 1, place));
    const id = ids[place];
    if (!id) return;
    const top = parts.space.getBoundingClientRect().top + Math.floor(place / columns) * height;
    const [above, below] = [130, 90]; // what stands over the grid
    if (top < above) window.scrollBy({ top: top - above, behavior: "instant" });
    else if (top + height > innerHeight - below) window.scrollBy({ top: top + height - innerHeight + below, behavior: "instant" });
    draw();
    point(id);
    const link = rows.get(id)?.querySelector("a");
    awaited = link ? "" : id;
    link?.focus({ preventScroll: true });
  };

  const typed = (event) => {
    const row = event.target.closest("li");
    if (!row || event.altKey) return;
    const id = row.dataset.run;
    const place = places.get(id);
    const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, Home: -place, End: ids.length - 1 - place };
    const moved = moves[event.key];
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a") chooseAll();
    else if (event.ctrlKey || event.metaKey) return;
    else if (moved !== undefined) {
      if (event.shiftKey) range(id, ids[Math.max(0, Math.min(ids.length - 1, place + moved))]);
      goTo(place + moved);
    } else if (event.key === " " && event.target.matches("a")) choose(id, event.shiftKey);
    else if (event.key.toLowerCase() === "s" && !event.repeat) star([id], !tiles.get(id)?.starred);
    else if (event.key === "Delete") remove(chosen.size ? [...chosen] : [id]);
    else return;
    event.preventDefault();
  };

  const clicked = (event) => {
    const row = event.target.closest("li");
    if (!row || !tiles.has(row.dataset.run)) return;
    const id = row.dataset.run;
    if (event.target.closest(".res-star")) return star([id], !tiles.get(id).starred);
    if (event.target.closest(".res-pick")) return choose(id, event.shiftKey);
    if (!event.target.closest("a") || event.ctrlKey || event.metaKey || event.button > 0) return;
    event.preventDefault();
    // Enter opens also where some are chosen.
    if (event.shiftKey || (chosen.size && event.detail > 0)) choose(id, event.shiftKey);
    else lightbox.open(id, { ids: () => ids, row });
  };

  /* Some of them -------------------------------------------------------------------------------- */

  const choose = (id, isRange) => {
    if (isRange && places.has(anchor)) return range(anchor, id);
    if (!chosen.delete(id)) chosen.add(id);
    anchor = id;
    chosenChanged();
  };
  const range = (from, to) => {
    if (!chosen.size || !places.has(anchor)) anchor = from;
    const [first, last] = [places.get(anchor), places.get(to)].sort((a, b) => a - b);
    for (const id of ids.slice(first, last + 1)) chosen.add(id);
    chosenChanged();
  };
  const chooseAll = () => {
    for (const id of ids) chosen.add(id);
    chosenChanged();
  };
  const chooseNone = () => {
    chosen.clear();
    chosenChanged();
  };
  const chosenChanged = () => {
    for (const [id, row] of rows) if (tiles.has(id)) drawTile(row, id);
    root.classList.toggle("is-choosing", chosen.size > 0);
    drawFoot();
  };

  const tell = async (what, runs) => {
    const answer = await fetch("results", { method: "POST", body: JSON.stringify({ do: what, runs }) });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(told.error || answer.statusText);
    return told;
  };
  const attempt = async (act) => {
    try {
      await act();
    } catch (error) {
      note(whyFailed(error));
    }
  };

  const star = (runs, on) =>
    attempt(async () => {
      await tell(on ? "star" : "unstar", runs);
      for (const id of runs) if (tiles.get(id)?.own) tiles.get(id).starred = on;
      chosenChanged();
      lightbox.starred(runs, on);
      if (filters.starred && !on) look(true);
    });

  const remove = (runs) =>
    attempt(async () => {
      const { changed } = await tell("delete", runs);
      const place = Math.min(...runs.map((id) => places.get(id) ?? ids.length));
      if (changed) keepBin([...bin, { runs, at: Date.now(), count: changed, all: runs.length }]);
      else note(phrase("res_deleted_some", { count: 0, all: runs.length }));
      chosen.clear();
      await look(true);
      if (isShown && !lightbox.isOpen()) goTo(Math.min(place, ids.length - 1));
    });

  const restore = () =>
    attempt(async () => {
      const last = bin.at(-1);
      await tell("restore", last.runs);
      keepBin(bin.slice(0, -1));
      note(say("res_restored"));
      await look(true);
      if (lightbox.isOpen()) lightbox.show(last.runs[0]);
      else if (isShown && places.has(last.runs[0])) goTo(places.get(last.runs[0]));
    });

  const keepBin = (next) => {
    bin = next.filter((one) => Date.now() - one.at < BIN_MS);
    sessionStorage.setItem(BIN, JSON.stringify(bin));
    drawFoot();
  };

  const again = (runs) =>
    attempt(async () => {
      const { changed, problem } = await tell("again", runs);
      chooseNone();
      note([changed === runs.length ? tally("res_again_done", changed) : phrase("res_again_some", { count: changed, all: runs.length }), problem].filter(Boolean).join(" "));
      look(true);
    });

  const zip = (runs) => {
    const form = make("form", { method: "post", action: "media.zip", hidden: true }, make("input", { type: "hidden", name: "runs", value: runs.join(" ") }));
    document.body.append(form);
    form.submit();
    form.remove();
  };

  let noted = "";
  let noting = 0;
  const note = (text) => {
    noted = text;
    clearTimeout(noting);
    noting = setTimeout(() => note(""), 8000);
    if (!text) clearTimeout(noting);
    drawFoot();
  };

  const drawFoot = () => {
    if (!parts.foot) return;
    const last = bin.at(-1);
    const isLate = last && Date.now() - last.at > BIN_MS;
    const key = JSON.stringify([chosen.size, ids.length, noted, last, lang, isLate]);
    if (parts.foot.dataset.key === key) return;
    parts.foot.dataset.key = key;
    const focused = parts.foot.contains(document.activeElement) ? document.activeElement.dataset.name : "";
    parts.foot.replaceChildren();
    if (noted) parts.foot.append(make("p", { class: "res-note", role: "status" }, noted));
    if (last && !isLate) {
      const words = last.count < last.all ? phrase("res_deleted_some", { count: last.count, all: last.all }) : tally("res_deleted", last.count);
      const until = new Date(last.at + BIN_MS).toLocaleTimeString(saidIn(), { timeStyle: "short" });
      parts.foot.append(make("div", { class: "res-undo", role: "status" }, make("span", {}, words),
        named_("undo", "link", restore, say("res_undo")), make("span", { class: "res-until" }, phrase("res_undo_until", { time: until })),
        pressable("res-x", { "data-name": "dismiss", "aria-label": say("res_dismiss"), title: say("res_dismiss"), onclick: () => keepBin([]) }, "×")));
    }
    if (chosen.size) parts.foot.append(bar());
    if (focused) parts.foot.querySelector(`[data-name="${focused}"]`)?.focus();
  };

  const named_ = (name, look_, onclick, words) => pressable(look_, { "data-name": name, onclick }, words);
  const bar = () => {
    const runs = () => ids.filter((id) => chosen.has(id)); // in the order of the grid
    const isStarred = [...chosen].every((id) => tiles.get(id)?.starred);
    const count = chosen.size;
    const row = make("div", { class: "res-bar", role: "toolbar", "aria-label": tally("res_chosen", count) },
      make("b", {}, tally("res_chosen", count)),
      named_("zip", "action main", () => zip(runs()), say("res_zip")),
      named_("star", "action", () => star(runs(), !isStarred), say(isStarred ? "res_unstar_them" : "res_star_them")),
      named_("again", "action", (event) => sureAgain(event.currentTarget, runs()), say("res_again")));
    if (count === 2) row.append(named_("compare", "action", () => compareRuns(...runs()), say("res_compare")));
    row.append(named_("delete", "action is-bad", () => remove(runs()), say("res_delete")), make("span", { class: "res-fill" }));
    if (count < ids.length) row.append(named_("all", "link", chooseAll, tally("res_choose_all", ids.length)));
    row.append(named_("none", "link", chooseNone, say("res_choose_none")));
    return row;
  };
  /* Many pictures take a server long: a second click is asked for. */
  const sureAgain = (pressed, runs) => {
    if (runs.length < 5 || pressed.dataset.sure) return again(runs);
    pressed.dataset.sure = "yes";
    setText(pressed, tally("res_again_sure", runs.length));
  };
  const compareRuns = (first, second) => {
    openCompare(first, second);
  };

  /* It is there, and it is left ----------------------------------------------------------------- */

  const shown = (isNow) => {
    if (isNow === isShown) return;
    isShown = isNow;
    if (isShown) look(true);
  };

  const begin = (element) => {
    root = element.querySelector(".results");
    root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !chosen.size || event.target === parts.search) return;
      chooseNone();
      goTo(places.get(cursor) ?? 0);
    });
    readFilters(Object.fromEntries(tabWords.results || []));
    try {
      bin = JSON.parse(sessionStorage.getItem(BIN) || "[]").filter((one) => Date.now() - one.at < BIN_MS);
    } catch {
      bin = [];
    }
    new IntersectionObserver((seen) => shown(seen.at(-1).isIntersecting)).observe(element);
    new ResizeObserver(() => {
      if (!isShown || !parts.space) return;
      measure();
      drawSoon();
    }).observe(element);
    document.addEventListener("scroll", drawSoon, { passive: true, capture: true });
    document.addEventListener("visibilitychange", () => !document.hidden && isShown && look(true));
    // The last runs below the stage come anew whenever one of them begins or ends.
    const strip = byId("strip");
    if (strip) new MutationObserver(lookSoon).observe(strip, { childList: true, subtree: true });
  };

  let lookingSoon = 0;
  const lookSoon = () => {
    if (!isShown || lookingSoon) return;
    lookingSoon = setTimeout(() => {
      lookingSoon = 0;
      if (isShown && !document.hidden) look(true);
    }, 500);
  };

  return {
    begin,
    told: (given) => {
      if (!given?.lang || (parts.grid && given.lang === lang && given.everyone === isEveryone)) return;
      lang = given.lang;
      isEveryone = given.everyone;
      lay();
      if (isShown) look(true);
    },
    find: (asked) => {
      readFilters(asked);
      look();
    },
    isOpen: () => isShown,
    star,
    remove,
    goTo: (id) => places.has(id) && goTo(places.get(id)),
    tile: (id) => tiles.get(id),
    thumb,
    foot: () => parts.foot,
    home: () => root.append(parts.foot),
    compare: compareRuns,
    note,
  };
})();

bridge.results = (element, props, watch) => {
  results.begin(element);
  watch("value", () => results.told(props.value));
  results.told(props.value);
};

/* Somebody went back to what was looked for then. */
takenUp.results = (asked) => results.find(asked);
