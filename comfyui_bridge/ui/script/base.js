/* What the page does by itself: searches the library, draws the stage, keeps a seed whole, marks wrong
 fields. Python says what to show; texts are always put in as texts. */
const table = "%WORDS%";
let lang = "en";
const say = (key) => (table[lang] || table.en)[key];
/* Why something asked of the program failed: where nobody answers browsers have words of their own, in English. */
const whyFailed = (error) => (error instanceof TypeError && /fetch|network|load failed/i.test(error.message) ? say("no_answer") : error.message);
const byId = (id) => document.getElementById(id);
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
const bridge = (window.bridge = {});

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
};
const setText = (element, text) => {
  if (element && element.textContent !== text) element.textContent = text;
};

/* What the whole tab is in the middle of, for the style: Gradio's own css reaches no further up. */
const mark = (name, value) => {
  const root = byId("create");
  if (!root) return;
  if (value) root.dataset[name] = value;
  else delete root.dataset[name];
};
