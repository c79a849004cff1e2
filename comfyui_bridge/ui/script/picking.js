/* Which form is shown. The script asks for it and hands in what the last one held; what was picked last
   wins, however late the answers to earlier picks come. */
let goal = "";
let look = () => {}; // asks whether the form has become another one
let askFor = null; // asks the server for the form of a slug
let hand = null; // hands in what the form holds
let kept = null; // called once the server has it

const pick = (slug, replaces = false) => {
  if (current && slug && slug !== current) isChosen = true;
  current = goal = slug;
  noteAddress();
  markCurrent();
  drawStatus();
  if (slug) askFor?.(slug, replaces);
};

/* What the form holds, before something is asked that depends on it. */
const handIn = () =>
  new Promise((done) => {
    if (!hand || !byId("form-head")) return done();
    kept = done;
    setTimeout(done, 2000);
    hand();
  });

bridge.news = (watch) => watch("value", () => look());
bridge.kept = (watch) => watch("value", () => kept?.());

bridge.wanted = (props, watch) => {
  let followed = 0;
  const follow = () => {
    const wish = props.value || {};
    if (!wish.slug || wish.at === followed) return;
    followed = wish.at;
    pick(wish.slug, wish.replaces);
  };
  watch("value", follow);
  follow();
};
