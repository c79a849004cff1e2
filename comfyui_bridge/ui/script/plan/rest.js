/* What all pictures of a sheet share ----------------------------------------------------------------- */

const planRest = (desk) => {
  const element = make("section", { class: "exp-rest" });
  const parts = {};

  const draw = () => {
    const differs = !desk.plan.basedOn && main.slug === desk.template && desk.plan.life === plans.life && !sameValues(main.values, desk.plan.values);
    const to = pressable("link", { onclick: toForm }, say("exp_to_form"));
    parts.shared = make("dl", { class: "exp-shared" });
    parts.seed = make("p", { class: "exp-hint" });
    parts.sharedWrong = make("ul", { class: "exp-problems" });
    const take = make("p", { class: "exp-note" }, say("exp_form_differs"), " ", pressable("link", { onclick: () => {
      desk.plan.values = { ...main.values };
      desk.save();
      desk.load();
    } }, say("exp_take_form")));
    element.replaceChildren(make("div", { class: "exp-sheet-head" }, make("h3", {}, say("exp_rest")), to), ...(differs ? [take] : []), parts.sharedWrong, parts.shared, parts.seed);
    drawShared();
  };
  const sameValues = (one, other) => [...new Set([...Object.keys(one), ...Object.keys(other || {})])].every((key) => alike(one[key] ?? null, other?.[key] ?? null));
  const drawShared = () => {
    const varied = new Set([...desk.asked().map((axis) => axis.key), ...(desk.told?.varied || [])]);
    const seeds = new Set(desk.info.inputs.filter((one) => one.way === "seeds").map((one) => one.key));
    const rows = desk.info.says.filter(([key]) => !seeds.has(key) && !varied.has(key));
    parts.shared.replaceChildren(...rows.flatMap(([, label, text]) => [make("div", {}, make("dt", {}, label), make("dd", { title: text }, text))]));
    setText(parts.seed, desk.told?.seed || "");
    const own = (desk.told?.problems || []).filter((one) => one.axis === null && one.key);
    parts.sharedWrong.replaceChildren(...own.map((one) => make("li", {}, phrase("exp_wrong", { label: desk.info.inputs.find((each) => each.key === one.key)?.label || one.key, sentence: one.sentence }))));
  };
  /* The form remembers what it said as long as the page is there; after that the plan tells it. */
  const toForm = () => {
    if (desk.plan.basedOn || desk.plan.life !== plans.life) {
      desk.plan.life = plans.life;
      desk.save(false);
      bridge.act({ action: "fill", template: desk.template, values: desk.info.values, name: desk.plan.name || desk.plan.basedOnName || say("exp_plan") });
      return;
    }
    if (main.slug !== desk.template) choose(desk.template);
    openTab("create");
  };

  return { element, draw, drawShared };
};
