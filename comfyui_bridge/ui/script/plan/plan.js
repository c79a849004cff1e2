/* The plan of an experiment ---------------------------------------------------------------------
   What varies over a form's values, and the sheet that comes of it, drawn before anything runs; python reads
   it while one types. The parts of the view share a desk: the plan, what may vary, and what was made of it. */

bridge.plan = (box, template) => {
  const SOON_MS = 250;
  const LATER_MS = 600; // a large plan is looked up when nobody types any more
  let plan = plans.of(template);
  let info = null; // what may vary
  let told = null; // what python made of the plan
  let tellAs = ""; // the plan it was made of
  let problem = "";
  let timer = 0;
  let asking = null;
  let isMaking = false;
  let isLooking = false; // for what of a large plan is there already
  const parts = {};

  const save = (isTouched = true) => {
    plan.isTouched = plan.isTouched || isTouched;
    plans.keep(plan);
  };

  const load = async () => {
    const isEarlier = plan.basedOn && !plan.values;
    const answer = await answered(fetch("experiments/inputs", { method: "POST", body: JSON.stringify({ template, values: plan.values, lang, ...(plan.basedOn ? { experiment: plan.basedOn } : {}) }) }));
    if (!box.isConnected) return;
    if (!answer.inputs) {
      box.replaceChildren(head(), make("div", { class: "exp-state" }, make("p", { role: "alert" }, answer.error || say("exp_unasked")), pressable("action", { onclick: load }, say("exp_retry"))));
      return;
    }
    info = answer;
    plan.title = answer.title;
    if (answer.earlier) Object.assign(plan, { basedOnName: answer.earlier.name, again: answer.earlier.again });
    if (isEarlier && answer.earlier) Object.assign(plan, { values: answer.earlier.values, axes: [...answer.earlier.axes].reverse(), skip: answer.earlier.skip });
    if (!plan.axes) plan.axes = answer.suggested ? [answer.suggested] : [{}];
    save(false);
    lay();
    read();
  };

  /* What python makes of it. */
  const asked = () => plan.axes.filter((axis) => axis.kind);
  const forAll = () => ({ template, values: plan.values, axes: asked().map(axisForPython).reverse(), skip: plan.skip });
  const readSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(read, SOON_MS);
  };
  const read = async () => {
    clearTimeout(timer);
    const now = forAll();
    const said = JSON.stringify(now);
    asking?.abort();
    asking = new AbortController();
    const mine = asking;
    let answer;
    try {
      const response = await fetch("experiments/plan", { method: "POST", body: JSON.stringify({ plan: now, lang }), signal: mine.signal });
      answer = await response.json();
    } catch (error) {
      if (error.name === "AbortError") return;
      answer = { error: say("exp_unasked") };
    }
    if (!box.isConnected || mine !== asking) return;
    problem = answer.error || "";
    if (!answer.error) {
      told = answer;
      tellAs = said;
      // As long as nothing is changed it would be called as the earlier one was by itself.
      if (plan.again && plan.hasOwnName === undefined) {
        plan.hasOwnName = ![plan.basedOnName, plan.basedOnName.replace(/ \d{1,3}$/, "")].includes(answer.name);
        save(false);
      }
      isLooking = isUnknown();
      if (isLooking) timer = setTimeout(() => lookUp(now, mine), LATER_MS);
    }
    drawTold();
  };
  /* Whether it is not told yet which pictures of it are there. */
  const isUnknown = () => Boolean(told?.outlook && !told.there);
  const lookUp = async (now, mine) => {
    const answer = await answered(fetch("experiments/spared", { method: "POST", body: JSON.stringify({ plan: now, lang }), signal: mine.signal }));
    if (!box.isConnected || mine !== asking || mine.signal.aborted) return;
    isLooking = false;
    if (answer.there) told = { ...told, ...answer }; // else it stays "up to" so many
    drawTold();
  };
  const changed = () => {
    save();
    readSoon();
  };

  const desk = {
    template, load, read, save, changed, asked,
    get plan() { return plan; },
    get info() { return info; },
    get told() { return told; },
    drawTold: () => drawTold(),
    skipsChanged: () => {
      drawFoot();
      changed();
    },
  };

  /* Its parts ----------------------------------------------------------------------------------- */

  const head = () => {
    const back = pressable("link exp-back", { onclick: () => experiments.go([]) }, say("exp_back"));
    return make("header", { class: "exp-head" }, back, make("h2", {}, say("exp_plan")), make("p", { class: "exp-with" }, phrase("exp_plan_with", { title: plan.title || template })),
      plan.basedOn ? make("p", { class: "exp-with" }, phrase("exp_repeats", { name: plan.basedOnName || plan.name })) : "");
  };
  const lay = () => {
    Object.assign(parts, { axes: planAxes(desk), grid: planGrid(desk), rest: planRest(desk) });
    parts.outlook = make("p", { class: "exp-outlook", role: "status" });
    parts.much = make("p", { class: "exp-much", role: "status" });
    parts.wrong = make("p", { class: "exp-wrong", role: "alert" });
    parts.make = pressable("exp-make", { onclick: makeAll });
    const name = make("input", { type: "text", class: "box exp-name", maxlength: "120", "aria-label": say("exp_name"), value: plan.name });
    name.addEventListener("input", () => {
      plan.name = name.value;
      save();
    });
    parts.name = name;
    box.replaceChildren(head(), parts.axes.element, parts.grid.element, parts.rest.element,
      make("div", { class: "exp-foot" }, make("div", { class: "exp-foot-said" }, parts.outlook, parts.much, parts.wrong), make("label", { class: "exp-name-field" }, make("span", {}, say("exp_name")), name), parts.make));
    parts.axes.lay();
    parts.rest.draw();
    drawTold();
  };
  const drawTold = () => {
    if (!parts.axes) return;
    parts.axes.drawTold();
    parts.grid.draw();
    drawFoot();
  };

  /* Go ---------------------------------------------------------------------------------------------- */

  const drawFoot = () => {
    parts.rest.drawShared();
    const count = told ? told.count - parts.grid.skipped() : 0;
    const [there, twins] = [parts.grid.shownOf(told?.there), parts.grid.shownOf(told?.twins)];
    const fresh = count - there - twins;
    const general = (told?.problems || []).filter((one) => one.axis === null && !one.key);
    const isRight = told && !told.problems.length && count > 0;
    const isBlank = asked().some(isEmptyAxis);
    const spared = isUnknown() ? [isLooking && say("exp_looking")] : [there && (there < count ? tally("exp_there", there) : say("exp_there_all")), twins && tally("exp_twins", twins)];
    setText(parts.outlook, isRight && told.outlook ? [tally("exp_runs", count), ...spared, ...told.outlook].filter(Boolean).join(" · ") : "");
    setText(parts.much, isRight ? [told.much, told.outlook && asked().length && fresh ? say("exp_turn") : ""].filter(Boolean).join(" ") : "");
    parts.much.classList.toggle("is-much", Boolean(isRight && told.much));
    const isMany = told?.count > told?.most;
    setText(parts.wrong, problem || (isMany ? parts.grid.tooMany() : general.map((one) => one.sentence).join(" ")) || (told?.problems.length && !isBlank ? say("exp_fix") : ""));
    setText(parts.make, count > 0 && count <= (told?.most || 0) && isRight ? makeWords(count, fresh) : say("exp_make_none"));
    parts.make.disabled = !isRight || isMaking;
    parts.make.setAttribute("aria-busy", String(isMaking));
    parts.name.placeholder = plan.again && plan.hasOwnName ? plan.again : told?.called || "";
  };
  /* Of a large one it takes a moment to look up what is there. */
  const makeWords = (count, fresh) => {
    if (isUnknown()) return phrase("exp_make_most", { count: count.toLocaleString(lang) });
    if (!fresh) return say("exp_make_there");
    return tally(fresh < count ? "exp_make_new" : "exp_make", fresh);
  };
  /* A repetition is called as what it repeats, if somebody had given that a name of their own. */
  const ownName = () => plan.name.trim() || (plan.again && plan.hasOwnName ? plan.again : "");

  const makeAll = async () => {
    if (isMaking) return;
    // What was typed last may not be read yet: nobody gets another number of pictures than the button said.
    const said = parts.make.textContent;
    if (JSON.stringify(forAll()) !== tellAs) await read();
    if (parts.make.textContent !== said || parts.make.disabled) return;
    isMaking = true;
    drawFoot();
    const answer = await answered(fetch("experiments", { method: "POST", body: JSON.stringify({ plan: forAll(), name: ownName(), lang }) }));
    isMaking = false;
    if (answer.id) {
      plans.discard(template);
      openExperiment(answer.id);
      return;
    }
    problem = answer.error || "";
    if (answer.problems) told.problems = answer.problems;
    drawTold();
    parts.wrong.scrollIntoView({ block: "nearest" });
  };

  box.append(head(), make("p", { class: "exp-said", role: "status" }, "…"));
  load();
  return {
    close: () => {
      clearTimeout(timer);
      asking?.abort();
    },
    seen: () => {
      const now = plans.known(template);
      if (now && !alike(now.values, plan.values)) {
        plan = now;
        load();
      } else if (info) parts.rest.draw();
    },
  };
};
