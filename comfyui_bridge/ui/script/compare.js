/* Two results side by side -------------------------------------------------------------------- */

const COMPARED = ["A", "B"];
let sliding = true; // with the slider, or one beside the other

const openCompare = async (first, second) => {
  const runs = [first, second].filter(Boolean);
  const modes = make("div", { class: "compare-modes", role: "group" });
  const { sheet, body } = openSheet("compare", say("compare"), decodeURIComponent(keptWords("", { compare: runs.join(",") })), modes);
  const state = { sheet, body, modes, places: [0, 0], runs };
  try {
    state.told = await askCompared(runs);
    if (state.told.problem) throw new Error(state.told.problem);
  } catch (problem) {
    body.replaceChildren(make("p", { class: "sheet-problem", role: "alert" }, problem.message));
    return;
  }
  drawCompare(state);
};

/* Two runs and what differs; a third one brings its values with that difference. */
const askCompared = (runs) => answerOf(`compare?runs=${runs.map(encodeURIComponent).join(",")}&__lang=${lang}`);

const drawCompare = (state) => {
  const { body, told } = state;
  if (told.sides.length < 2) {
    body.replaceChildren(compareSide(state, 0), compareChooser(say("compare_choose"), state.runs, (run) => openCompare(state.runs[0], run)));
    return;
  }
  state.places = told.sides.map((side) => Math.max(0, side.files.findIndex((file) => file.kind === "image")));
  const room = make("div", { class: "compare-room" });
  state.room = room;
  const said = make("section", { class: "compare-said" }, make("h3", {}, say("compare_differs")));
  if (told.note) said.append(make("p", { class: "quiet" }, told.note));
  said.append(told.differences.length ? compareList(told.differences) : make("p", { class: "quiet" }, say("compare_same")));
  if (Object.keys(told.changes).length) said.append(compareApply(state));
  body.replaceChildren(room, said);
  drawRoom(state);
};

const compareFile = (state, index) => state.told.sides[index].files[state.places[index]];

const drawRoom = (state) => {
  const both = [0, 1].every((index) => compareFile(state, index)?.kind === "image");
  const slides = both && sliding;
  const mode = (words, is) => make("button", { type: "button", class: "action", "aria-pressed": String(slides === is), disabled: is && !both, onclick: () => {
    sliding = is;
    drawRoom(state);
    state.modes.querySelector("[aria-pressed=true]")?.focus();
  } }, say(words));
  const swap = make("button", { type: "button", class: "action", title: say("compare_swap_hint"), "aria-label": say("compare_swap_hint"), onclick: () => openCompare(state.runs[1], state.runs[0]) }, `⇄ ${say("compare_swap")}`);
  state.modes.replaceChildren(mode("compare_slider", true), mode("compare_beside", false), swap);
  const captions = make("div", { class: "compare-captions" }, compareCaption(state, 0), compareCaption(state, 1));
  if (slides) state.room.replaceChildren(comparePictures(state), captions);
  else state.room.replaceChildren(make("div", { class: "compare-pair" }, compareSide(state, 0), compareSide(state, 1)));
};

const compareCaption = (state, index) => {
  const side = state.told.sides[index];
  const box = make("div", { class: "compare-caption" }, make("span", { class: "compare-letter" }, COMPARED[index]));
  const link = make("a", { href: `?run=${encodeURIComponent(side.run)}`, "data-run": side.run }, side.title);
  box.append(make("div", { class: "compare-words" }, link, make("span", { class: "quiet" }, runLine(side.line)), make("span", { class: "quiet compare-size" })));
  if (side.files.length > 1) {
    const place = `${state.places[index] + 1}/${side.files.length}`;
    const name = say("compare_file").replace("{side}", COMPARED[index]).replace("{place}", state.places[index] + 1).replace("{count}", side.files.length);
    box.append(make("button", { type: "button", class: "action compare-next", "aria-label": name, title: name, onclick: () => {
      state.places[index] = (state.places[index] + 1) % side.files.length;
      drawRoom(state);
      state.room.querySelectorAll(".compare-caption")[index].querySelector(".compare-next")?.focus();
    } }, `${place} ›`));
  }
  return box;
};

const compareSide = (state, index) => {
  const side = state.told.sides[index];
  const file = compareFile(state, index);
  const box = make("figure", { class: "compare-side" });
  if (!file) box.append(make("p", { class: "no-picture" }, side.texts[0] || say("compare_no_picture")));
  else if (file.kind === "image") box.append(comparePicture(state, index, file, ""));
  else box.append(player(file));
  box.append(compareCaption(state, index));
  return box;
};

const comparePicture = (state, index, file, kind) => {
  const image = make("img", { class: kind, src: file.url, alt: `${COMPARED[index]}: ${say("result_of").replace("{title}", state.told.sides[index].title)}`, draggable: "false" });
  image.addEventListener("load", () => {
    const size = state.body.querySelectorAll(".compare-caption")[index]?.querySelector(".compare-size");
    setText(size, `${image.naturalWidth} × ${image.naturalHeight}`);
    if (index === 0) image.parentElement?.style.setProperty("--ratio", image.naturalWidth / image.naturalHeight);
  });
  return image;
};

/* One picture over the other, cut at a line that a range input moves: by keys, mouse and finger alike. */
const comparePictures = (state) => {
  const box = make("div", { class: "compare-divided" });
  const slider = make("input", { type: "range", min: 0, max: 100, step: "any", value: 50, "aria-label": say("compare_divider") });
  const move = () => {
    box.style.setProperty("--at", `${slider.value}%`);
    slider.setAttribute("aria-valuetext", say("compare_share").replace("{percent}", Math.round(slider.value)));
  };
  slider.addEventListener("input", move);
  // With `any` as its step a key would move it by nothing that one sees.
  slider.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -2, ArrowDown: -2, ArrowRight: 2, ArrowUp: 2, PageDown: -10, PageUp: 10 }[event.key];
    if (!by) return;
    event.preventDefault();
    slider.value = Number(slider.value) + by;
    move();
  });
  const letter = (index) => make("span", { class: `compare-letter at-${COMPARED[index]}`, "aria-hidden": "true" }, COMPARED[index]);
  box.append(comparePicture(state, 0, compareFile(state, 0), "under"), comparePicture(state, 1, compareFile(state, 1), "over"), letter(0), letter(1), make("span", { class: "compare-line", "aria-hidden": "true" }), slider);
  move();
  return box;
};

/* Only what differs: texts as one with their words marked, everything else as the two values. */
const compareList = (found) => {
  const list = make("dl", { class: "compare-list" });
  for (const one of found) {
    const label = make("dt", {}, one.label);
    if (!one.is_value) label.append(" ", make("span", { class: "quiet" }, `(${say("compare_only_graph")})`));
    list.append(label, make("dd", {}, ...(one.pieces.length ? [compareText(one.pieces)] : [compareValue(one.first, 0), compareValue(one.second, 1)])));
  }
  return list;
};

const compareValue = (text, index) =>
  make("span", { class: "compare-value" }, make("span", { class: "compare-letter" }, COMPARED[index]), make("span", {}, text || "–"));

const compareText = (pieces) => {
  const line = make("p", { class: "compare-text" });
  const tags = { first: ["del", "A"], second: ["ins", "B"] };
  for (const [text, side] of pieces) {
    const [tag, letter] = tags[side] || [];
    line.append(tag ? make(tag, { title: say("compare_only").replace("{side}", letter) }, text) : text);
  }
  return line;
};

const compareApply = (state) => {
  const apply = (fill) => {
    state.sheet.close();
    bridge.act({ action: "fill", ...fill });
  };
  const applyTo = async (run) => apply((await askCompared([...state.runs, run])).fill);
  const others = make("div", { class: "compare-others", hidden: true });
  const more = make("button", { type: "button", class: "action", "aria-expanded": "false", onclick: () => {
    others.hidden = !others.hidden;
    more.setAttribute("aria-expanded", String(!others.hidden));
    const [template, other] = state.told.sides.map((side) => side.template);
    others.replaceChildren(compareChooser("", state.runs, applyTo, template === other ? template : ""));
    others.querySelector("input").focus();
  } }, say("compare_to_run"));
  return make("div", { class: "compare-apply" },
    make("h3", {}, say("compare_apply")),
    make("p", { class: "quiet" }, say("compare_apply_hint")),
    make("div", { class: "action-row" }, make("button", { type: "button", class: "action main", onclick: () => apply({ template: main.slug, values: state.told.changes, over: true }) }, say("compare_to_form")), more),
    others);
};

/* Results to choose one from, the newest first, and those that are searched for; of one template where it is
   named. */
const compareChooser = (title, without, choose, template = "") => {
  const AT_ONCE = 60;
  const list = make("ul", { class: "compare-found" });
  const note = make("p", { class: "quiet", role: "status" });
  const search = make("input", { type: "search", class: "box", placeholder: say("res_search_hint"), "aria-label": say("res_search"), autocomplete: "off" });
  const more = make("button", { type: "button", class: "action", hidden: true }, say("compare_more"));
  let ids = [];
  let shown = 0; // of the ids
  let asked = 0;
  let typing = 0;
  const tile = (one) => {
    const name = phrase("res_tile", { title: one.words || one.title, state: one.why || say(`state_${one.state}`), date: dated(one.at) });
    return make("li", {}, make("button", { type: "button", class: "tile", "aria-label": name, title: name, onclick: () => choose(one.run) }, results.thumb(one), make("span", { class: "compare-name" }, one.words || one.title)));
  };
  const show = (tiles, upTo) => {
    list.append(...tiles.filter((one) => !without.includes(one.run)).map(tile));
    shown = upTo;
    more.hidden = shown >= ids.length;
  };
  const attempt = async (act) => {
    const mine = (asked += 1);
    try {
      await act(() => mine === asked);
    } catch (problem) {
      if (mine === asked) setText(note, phrase("res_failed", { why: problem.message }));
    }
  };
  const look = () =>
    attempt(async (isNewest) => {
      const words = search.value.trim();
      const found = await answerOf(`results?${new URLSearchParams({ lang, q: words, template })}`);
      if (!isNewest()) return;
      ids = found.ids.filter((id) => !without.includes(id));
      list.replaceChildren();
      show(found.tiles, found.tiles.filter((one) => !without.includes(one.run)).length);
      setText(note, ids.length ? "" : say(words ? "res_none" : "compare_none"));
    });
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(look, 200);
  });
  more.addEventListener("click", () =>
    attempt(async (isNewest) => {
      const next = ids.slice(shown, shown + AT_ONCE);
      const { tiles } = await answerOf(`results/tiles?${new URLSearchParams({ ids: next.join(" "), lang })}`);
      if (!isNewest()) return;
      const first = list.children.length;
      show(tiles, shown + next.length);
      list.children[first]?.querySelector("button").focus();
    }));
  look();
  return make("div", { class: "compare-chooser" }, ...(title ? [make("h3", {}, title)] : []), search, note, list, more);
};

const compareButton = (run) =>
  make("button", { type: "button", class: "action", onclick: () => openCompare(run) }, say("compare_with"));

/* For whoever has two runs, such as the tab Results. */
bridge.compare = (first, second) => openCompare(first, second);
bridge.recipeButton = (run) => recipeButton(run);
