/* A sheet that is still to come: its head in grey, at its place, and what one waits for --------------------- */

const sheetToCome = (words) => {
  const head = make("div", { class: "cs-top" }, make("i", { class: "cs-back" }), make("div", { class: "cs-titles" }, make("i", { class: "cs-bone is-name" }), make("i", { class: "cs-bone is-about" })));
  return make("div", { class: "cs is-coming", "aria-busy": "true" }, make("div", { class: "cs-head", "aria-hidden": "true" }, head), make("p", { class: "cs-coming", role: "status" }, words));
};
bridge.sheetToCome = sheetToCome;
