/* Which form is shown: none for a moment between two, for Gradio would hand what the one held to the
   other. What was picked last wins, however quickly one picks. */
let keep = () => {}; // asks the form on the page for what it holds
let look = () => {}; // asks whether the form has become another one
let kept = null; // called once the server has it
let goal = "";
let picking = false;
let show = null; // puts a slug into the component that the form is rendered from

const nextFrame = () => new Promise((done) => (document.hidden ? setTimeout(done, 30) : requestAnimationFrame(done)));

/* Before the form goes, for its listeners go with it. */
const handIn = () =>
  new Promise((done) => {
    const head = document.querySelector("#form-head [data-current]");
    if (!head || head.dataset.current === replaced) return done();
    kept = done;
    setTimeout(done, 2000);
    keep();
  });

bridge.news = (watch) => watch("value", () => look());
bridge.kept = (watch) => watch("value", () => kept?.());

let replaced = ""; // the slug whose kept values the server has just replaced

const pick = async (slug) => {
  current = goal = slug;
  markCurrent();
  if (picking || !show) return;
  picking = true;
  try {
    await handIn();
    replaced = "";
    show("");
    const patience = Date.now() + 5000;
    while (byId("form-head") && Date.now() < patience) await nextFrame();
    const shown = goal;
    show(shown);
    while (shown && !byId("form-head") && Date.now() < patience + 10000) await nextFrame();
    if (goal !== shown) setTimeout(() => pick(goal), 0);
  } finally {
    picking = false;
  }
};

bridge.picked = (props) => {
  show = (slug) => {
    props.value = slug; // a change event of its own, and with it a render
  };
  if (goal) pick(goal);
};

bridge.wanted = (props, watch) => {
  const follow = () => {
    if (!props.value?.slug) return;
    replaced = props.value.replaces ? props.value.slug : "";
    pick(props.value.slug);
  };
  watch("value", follow);
  follow();
};
