/* Before the same is done again -------------------------------------------------------------- */

bridge.unchanged = (element, props, trigger, watch) => {
  const line = element.querySelector(".unchanged");
  const hide = () => {
    line.hidden = true;
    line.replaceChildren();
  };
  const choice = (words, act, kind = "action") =>
    make("button", { type: "button", class: kind, onclick: () => (hide(), act()) }, words);
  const roll = () => {
    for (const dice of document.querySelectorAll("#form .seed-roll")) dice.click();
    requestAnimationFrame(() => byId("generate")?.click());
  };
  const draw = () => {
    const { run } = props.value || {};
    hide();
    if (!run) return;
    line.append(
      make("p", {}, say("unchanged")),
      view?.run_id === run ? "" : choice(say("unchanged_show"), () => ask({ action: "show", run }), "action main"),
      document.querySelector("#form .seed-roll") ? choice(say("unchanged_roll"), roll) : "",
      choice(say("unchanged_anyway"), () => (busy(true), trigger("select"))),
    );
    line.hidden = false;
  };
  // What somebody changes is no more what was there.
  for (const event of ["input", "change", "click"]) byId("form")?.addEventListener(event, hide);
  watch("value", draw);
};
