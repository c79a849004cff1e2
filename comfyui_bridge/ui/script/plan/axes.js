/* The axes of a plan --------------------------------------------------------------------------------
   A card for each: what it varies, how that is written, and what python reads in it. */

const PLAN_SLOTS = ["columns", "rows", "pages"];

const planAxes = (desk) => {
  const MOST_PROBLEMS = 6; // of an axis
  const element = make("div", { class: "exp-axes" });
  let cards = [];

  const variable = (key) => desk.info.inputs.find((one) => one.key === key);
  const variableOf = (axis) =>
    axis.kind === "presets" ? { way: "presets", key: "" } : axis.kind === "table" ? { way: "table", key: "" } : variable(axis.key);


  const lay = (focus = "") => {
    cards = desk.plan.axes.map(card);
    const next = PLAN_SLOTS[desk.plan.axes.length];
    const add = next && (!desk.plan.axes.length || desk.plan.axes.at(-1).kind)
      ? [pressable("exp-add", { onclick: addAxis }, make("b", {}, say(`exp_add_${next}`)), make("span", {}, say(`exp_add_${next}_hint`)))]
      : [];
    element.replaceChildren(...cards.map((one) => one.root), ...add);
    if (focus) element.querySelector(focus)?.focus();
  };
  const addAxis = () => {
    desk.plan.axes.push({});
    desk.save();
    lay(`#exp-what-${desk.plan.axes.length - 1}-input`);
    desk.drawTold();
  };
  const axesChanged = (focus) => {
    desk.save();
    lay(focus);
    desk.read();
  };

  const card = (axis, place) => {
    const slot = say(`exp_${PLAN_SLOTS[place]}`);
    const root = make("section", { class: "exp-card", "aria-label": slot });
    const count = make("span", { class: "exp-count" });
    const tools = [];
    if (place) {
      const words = phrase("exp_swap", { one: say(`exp_${PLAN_SLOTS[place - 1]}`), other: slot });
      tools.push(pressable("exp-tool exp-swap", { "aria-label": words, title: words, onclick: () => swap(place) }));
    }
    const gone = phrase("exp_remove", { one: slot });
    if (desk.plan.axes.length > 1 || axis.kind) tools.push(pressable("exp-tool exp-remove", { "aria-label": gone, title: gone, onclick: () => removeAxis(place) }, "×"));
    const problems = make("ul", { class: "exp-problems", "aria-live": "polite" });
    const reading = make("div", { class: "exp-reading" });
    const editor = make("div", { class: "exp-editor" });
    root.append(make("div", { class: "exp-card-head" }, make("h3", {}, slot), count, ...tools), what(axis, place), editor, reading, problems);
    const of = axis.kind ? variableOf(axis) : null;
    const made = of ? axisEditor(desk, axis, of) : null;
    const ways = of ? AXIS_KINDS[of.way] : [];
    editor.append(...(ways.length > 1 ? [wayOf(axis, ways, place)] : []), ...(made?.parts || []));
    return { axis, root, count, problems, reading, tell: made?.tell };
  };

  /* Which input it is: any of the form, a preset, or a table. */
  const what = (axis, place) => {
    const taken = new Set(desk.plan.axes.filter((one) => one !== axis && one.kind && !["texts", "replace"].includes(one.kind)).map((one) => one.key || one.kind));
    const offered = offers().filter((one) => !taken.has(one.variable.key || one.variable.way));
    const put = (offer) => {
      if (!offer?.variable) return;
      desk.plan.axes[place] = newAxis(offer.variable);
      desk.plan.skip = [];
      axesChanged(".exp-none");
      cards[place].root.querySelector(".exp-editor :is(input, textarea)")?.focus();
    };
    const made = searchedChoice({ label: say("exp_what"), placeholder: say("exp_what_hint") }, { now: offered, load: async () => offered }, put, { keepsText: false });
    made.input.id = `exp-what-${place}-input`;
    const of = axis.kind && variableOf(axis);
    const chosen = of && offers().find((one) => (one.variable.key || one.variable.way) === (of.key || of.way));
    made.show(chosen || axis.key || "");
    const now = of?.now ? make("p", { class: "field-hint exp-now", title: of.now }, phrase("exp_in_form", { now: of.now })) : "";
    return make("div", { class: "field" }, make("label", { class: "field-label", for: made.input.id }, say("exp_what")), made.element, now);
  };
  const offers = () => {
    const seen = new Set();
    const named = desk.info.inputs.map((one) => {
      let label = one.group ? `${one.label} · ${one.group}` : one.label;
      if (seen.has(label)) label = `${label} (${one.key})`;
      seen.add(label);
      return { variable: one, toString: () => label };
    });
    const more = [{ way: "presets", key: "", label: say("presets"), start: [] }, { way: "table", key: "", label: say("exp_table"), start: "" }];
    return [...named, ...more.map((one) => ({ variable: one, toString: () => one.label }))];
  };

  /* Where an axis can be written in two ways, what was written in the other is not lost. */
  const wayOf = (axis, ways, place) => {
    const [first, other] = ways;
    const made = twoWords({ on: say(`exp_way_${first}`), off: say(`exp_way_${other}`) }, (isFirst) => {
      const { ways: was = {}, ...now } = axis;
      const kind = isFirst ? first : other;
      if (kind === axis.kind) return;
      desk.plan.axes[place] = { ...(was[kind] || { ...newAxis(variable(axis.key)), kind, text: "" }), ways: { ...was, [axis.kind]: now } };
      axesChanged(".exp-none");
      cards[place].root.querySelector('[role=radio][tabindex="0"]')?.focus();
    });
    made.show(axis.kind === first);
    made.element.setAttribute("aria-label", say("exp_values"));
    return made.element;
  };

  const swap = (place) => {
    const { axes } = desk.plan;
    [axes[place - 1], axes[place]] = [axes[place], axes[place - 1]];
    const last = axes.length - 1; // python's order is the other way round
    const turned = ([...labels]) => {
      [labels[last - place], labels[last - place + 1]] = [labels[last - place + 1], labels[last - place]];
      return labels;
    };
    desk.plan.skip = axes.every((axis) => axis.kind) ? desk.plan.skip.map(turned) : [];
    axesChanged(`.exp-card:nth-child(${place + 1}) .exp-swap`);
  };
  const removeAxis = (place) => {
    desk.plan.axes.splice(place, 1);
    desk.plan.skip = [];
    if (!desk.plan.axes.length) desk.plan.axes.push({});
    axesChanged(`#exp-what-${Math.min(place, desk.plan.axes.length - 1)}-input`);
  };

  /* What python answered, drawn without touching what somebody types in. */
  const shownOf = (axis) => {
    const all = desk.asked();
    const place = all.length - 1 - all.indexOf(axis);
    return all.includes(axis) && desk.told ? { shown: desk.told.axes[place], place } : {};
  };
  const drawTold = () => {
    for (const one of cards) {
      const { shown, place } = shownOf(one.axis);
      const mine = shown ? desk.told.problems.filter((each) => each.axis === place) : [];
      setText(one.count, shown?.count ? tally("exp_count", shown.count) : "");
      const isBlank = one.axis.kind && isEmptyAxis(one.axis);
      one.root.classList.toggle("has-problem", mine.length > 0 && !isBlank);
      one.problems.replaceChildren(...(isBlank ? [make("li", { class: "is-quiet" }, say("exp_empty"))] : listed(mine, one.axis.kind === "table")));
      one.reading.replaceChildren(...((shown && one.tell?.(saidOf(shown), shown.count, shown, mine)) || []));
    }
  };
  /* One sentence for what is wrong with several values alike; of a table by row and column. */
  const listed = (problems, isTable) => {
    const by = new Map();
    for (const one of problems) by.set(one.sentence, [...(by.get(one.sentence) || []), one]);
    const lines = [...by].map(([sentence, ones]) => {
      const [{ key, label, variation }] = ones;
      if (isTable && key && ones.length > 1) return phrase("exp_wrong_column", { key, sentence });
      if (isTable && variation !== null) return phrase("exp_wrong_row", { row: variation + 1, key, sentence });
      const named = ones.length > 2 && key ? key : label || key;
      return named ? phrase("exp_wrong", { label: named, sentence }) : sentence;
    });
    const more = lines.length - MOST_PROBLEMS;
    return [...lines.slice(0, MOST_PROBLEMS), ...(more > 0 ? [phrase("exp_wrong_more", { count: more })] : [])].map((words) => make("li", {}, words));
  };

  return { element, lay, drawTold };
};
