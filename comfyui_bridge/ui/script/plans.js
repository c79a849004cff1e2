/* Plans of experiments ----------------------------------------------------------------------------
   What is typed is kept for the session, a plan for each template, the newest first. A plan's axes are the
   columns, the rows and the pages; python has them the other way round, the slowest first. */

const plans = (() => {
  const STORE = "bridge.plans";
  const MOST_PLANS = 6;
  const LIFE = Math.random(); // of this page: the form remembers as long

  const kept = () => {
    try {
      const found = JSON.parse(sessionStorage.getItem(STORE) || "[]");
      return Array.isArray(found) ? found.filter((one) => one?.template) : [];
    } catch {
      return [];
    }
  };
  const write = (all) => {
    try {
      sessionStorage.setItem(STORE, JSON.stringify(all.slice(0, MOST_PLANS)));
    } catch {
      // Too long to be kept, or not allowed to: it is only what a reload would lose.
    }
  };
  const discard = (template) => write(kept().filter((one) => one.template !== template));
  const keep = (plan) => write([plan, ...kept().filter((one) => one.template !== plan.template)]);
  const planOf = (template) => kept().find((one) => one.template === template);

  /* A new plan over these values. `axes` come as python has them, the slowest first. */
  const begin = ({ template, values, axes, skip = [], basedOn = "", basedOnName = "", name = "" }) =>
    keep({ template, values, axes: axes ? [...axes].reverse() : null, skip, basedOn, basedOnName, name, life: LIFE, isTouched: Boolean(axes) });

  /* The same plan over what a form says now; a new one where nobody has changed the last. */
  const beginOver = (template, values) => {
    const old = planOf(template);
    if (old?.isTouched && old.axes?.length && !old.basedOn) keep({ ...old, values, life: LIFE });
    else begin({ template, values });
  };

  const blank = (template) => ({ template, values: {}, axes: null, skip: [], basedOn: "", basedOnName: "", name: "", life: LIFE });

  return { life: LIFE, of: (template) => planOf(template) || blank(template), known: planOf, keep, discard, begin, beginOver, unfinished: () => kept().find((one) => one.isTouched) };
})();

/* A plan over given values: a form's, or those of an experiment that is repeated with changes. `axes` and
   `skip` as python has them; with `basedOn` alone they are asked for. */
const planExperiment = (given) => {
  plans.begin(given);
  experiments.go([["plan", given.template]]);
};

/* The form as it stands, varied; as soon as it is there. */
let isToVary = false;
const varyForm = () => {
  isToVary = !main.slug;
  if (isToVary) return;
  plans.beginOver(main.slug, { ...main.values });
  experiments.go([["plan", main.slug]]);
};

document.addEventListener("click", (event) => event.target.closest("#vary:not([disabled])") && varyForm());
