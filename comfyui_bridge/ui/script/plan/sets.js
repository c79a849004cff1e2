/* An axis of LoRA sets ------------------------------------------------------------------------------
   Each line is one picture: without a LoRA, with one at its strength, or with several together. Ticks put in
   the lines of one LoRA each. */

const setsEditor = (desk, axis, of) => {
  const STRENGTHS = [1, 0.5, 0.75, 0.25];
  const lines = make("ul", { class: "exp-sets", "aria-label": say("exp_sets") });
  const short = (name) => name.replace(/\.(safetensors|sft|ckpt|pt2?|pth|bin|pkl|gguf|onnx)$/i, "");
  const single = (set) => (set.length < 2 ? (set[0]?.name ?? "") : null);
  const newRow = (name) => ({ name, strength_model: 1 });
  /* One more of the same begins at a strength that is not there yet. */
  const newSet = (name) => {
    const taken = axis.chosen.filter((set) => single(set) === name).map(([row]) => Number(row.strength_model));
    return [{ name, strength_model: STRENGTHS.find((one) => !taken.includes(one)) ?? 1 }];
  };

  const ticked = {
    get chosen() {
      return [...new Set(axis.chosen.map(single).filter((name) => name !== null))];
    },
    set chosen(names) {
      const before = ticked.chosen;
      const stay = axis.chosen.filter((set) => single(set) === null || names.includes(single(set)));
      axis.chosen = [...stay, ...names.filter((name) => !before.includes(name)).map((name) => (name ? [newRow(name)] : []))];
    },
  };

  const put = (chosen, focus) => {
    axis.chosen = chosen;
    draw();
    ticks.drawTicks();
    desk.changed();
    (lines.querySelector(focus) || add).focus();
  };
  const withSet = (place, set) => axis.chosen.map((one, at) => (at === place ? set : one));
  const withoutSet = (place) => axis.chosen.filter((_, at) => at !== place);

  /* Where a LoRA is looked for: a link until somebody wants one. */
  const finder = (words, label, found) => {
    const link = pressable("link exp-set-more", {}, words);
    link.addEventListener("click", () => {
      const names = of.options?.map(([name]) => name);
      const made = searchedChoice({ label, placeholder: say("exp_search") }, { now: names, load: async () => names || choicesOf({ slug: desk.template, key: of.fetch, fetch: true }).load() }, (name) => name && found(name), { keepsText: false });
      made.input.setAttribute("aria-label", label);
      link.replaceWith(made.element);
      made.input.focus();
      made.input.click(); // its list opens
      made.input.addEventListener("blur", () => made.element.isConnected && made.element.replaceWith(link));
    });
    return link;
  };

  const rowOf = (row, at, set, place) => {
    const name = short(row.name);
    const number = make("input", { type: "number", class: "box exp-number", min: of.least, max: of.most, step: 0.05, inputmode: "decimal", value: row.strength_model, "aria-label": phrase("exp_set_strength", { name }) });
    number.addEventListener("input", () => {
      const strength = number.value === "" ? "" : number.valueAsNumber;
      axis.chosen = withSet(place, axis.chosen[place].map((one, index) => (index === at ? { ...one, strength_model: strength } : one)));
      desk.changed();
    });
    const rest = set.filter((_, index) => index !== at);
    const out = () => put(rest.length ? withSet(place, rest) : withoutSet(place), `[data-place="${Math.min(place, axis.chosen.length - 2)}"] .exp-set-out`);
    return make("div", { class: "exp-set-row" }, make("span", { class: "exp-set-name", title: row.name }, name), number, outOf(name, out));
  };
  const outOf = (name, act) => pressable("exp-tool exp-set-out", { "aria-label": phrase("exp_set_remove", { name }), title: phrase("exp_set_remove", { name }), onclick: act }, "×");
  const lineOf = (set, place) => {
    const none = say("exp_set_none");
    const more = finder(`+ ${say("exp_set_with")}`, say("exp_set_with"), (name) => put(withSet(place, [...set, newRow(name)]), `[data-place="${place}"] .exp-set-row:nth-child(${set.length + 1}) input`));
    const parts = set.length ? [...set.map((row, at) => rowOf(row, at, set, place)), more] : [make("div", { class: "exp-set-row" }, make("span", { class: "exp-set-name" }, none), outOf(none, () => put(withoutSet(place), `[data-place="${Math.max(0, place - 1)}"] .exp-set-out`)))];
    return make("li", { class: "exp-set", role: "group", "aria-label": phrase("exp_set", { place: place + 1 }), "data-place": place }, ...parts);
  };
  const draw = () => lines.replaceChildren(...axis.chosen.map(lineOf));

  const ticks = tickList(desk, ticked, of, { first: [["", say("exp_set_none")]], also: draw });
  const adding = make("div", { class: "exp-set-add" });
  const add = finder(`+ ${say("exp_set_add")}`, say("exp_set_add"), (name) => put([...axis.chosen, newSet(name)], `[data-place="${axis.chosen.length}"] input`));
  adding.append(add);
  draw();
  const titled = (words, ...parts) => make("div", { class: "field" }, make("span", { class: "field-label" }, say(words)), ...parts);
  return { parts: [titled("exp_loras", ticks), titled("exp_sets", lines, adding, make("p", { class: "field-hint" }, say("exp_sets_hint")))] };
};
