/* Several of a list, ticked ------------------------------------------------------------------------
   The list may be of thousands, which a search narrows down, and may have to be asked for first. */

const tickList = (desk, axis, of, { first = [], also = () => {} } = {}) => {
  const MOST_TICKS = 200; // that are drawn; who wants another searches
  let all = of.options ? [...first, ...of.options] : null;
  const list = make("ul", { class: "exp-ticks", role: "group", "aria-label": say("exp_choices") });
  const search = make("input", { type: "search", class: "box", placeholder: say("exp_search"), "aria-label": say("exp_search"), autocomplete: "off" });
  const note = make("p", { class: "field-hint" });
  const ticked = make("span", { class: "exp-ticked" });
  const has = (value) => axis.chosen.some((one) => alike(one, value));
  const set = (values) => {
    axis.chosen = values;
    drawTicks();
    also();
    desk.changed();
  };
  const matching = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    return (all || []).filter(([, label]) => words.every((word) => label.toLowerCase().includes(word)));
  };
  const every = pressable("link", { onclick: () => set([...axis.chosen, ...matching().map(([value]) => value).filter((value) => !has(value))]) }, say("exp_tick_all"));
  const none = pressable("link", { onclick: () => {
    const gone = matching().map(([value]) => JSON.stringify(value));
    set(axis.chosen.filter((value) => !gone.includes(JSON.stringify(value)) && (search.value || !all)));
  } }, say("exp_tick_none"));
  const item = ([value, label]) => {
    const box = make("input", { type: "checkbox" });
    box.checked = has(value);
    box.addEventListener("change", () => {
      axis.chosen = box.checked ? [...axis.chosen, value] : axis.chosen.filter((one) => !alike(one, value));
      setText(ticked, phrase("exp_ticked", { count: axis.chosen.length }));
      also();
      desk.changed();
    });
    return make("li", {}, make("label", { class: "switch", title: label }, box, make("span", {}, label)));
  };
  const drawTicks = () => {
    const found = matching();
    const known = new Set((all || []).map(([value]) => JSON.stringify(value)));
    // What a server does not list any more is told apart when the plan is read.
    const strange = search.value ? [] : axis.chosen.filter((value) => !known.has(JSON.stringify(value)) && !keyOf(value)).map((value) => [value, String(value?.name ?? value)]);
    const shown = [...strange, ...found].slice(0, MOST_TICKS);
    if (found.length > MOST_TICKS) shown.sort((one, other) => has(other[0]) - has(one[0]));
    list.replaceChildren(...shown.map(item));
    const more = found.length + strange.length - shown.length;
    setText(note, !all ? say("loading_choices") : more > 0 ? phrase("exp_more", { count: more.toLocaleString(lang) }) : shown.length ? "" : say("exp_nothing"));
    setText(ticked, phrase("exp_ticked", { count: axis.chosen.length }));
    search.hidden = (all || []).length <= 8;
  };
  search.addEventListener("input", drawTicks);
  if (!all) {
    choicesOf({ slug: desk.template, key: of.fetch, fetch: true }).load().then(
      (names) => {
        all = [...first, ...names.map((name) => [name, String(name)])];
        drawTicks();
      },
      (error) => setText(note, whyFailed(error) || say("no_choices_now")),
    );
  }
  drawTicks();
  const element = make("div", { class: "exp-ticking" }, search, make("div", { class: "exp-tick-bar" }, ticked, every, none), list, note);
  return Object.assign(element, { drawTicks });
};
