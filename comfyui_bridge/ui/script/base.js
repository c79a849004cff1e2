/* What the page does by itself: searches the library, draws the stage, keeps a seed whole, marks wrong
 fields. Python says what to show; texts are always put in as texts. */
const table = "%WORDS%";
/* The language as the server will choose it: see `choose` in ui/words. */
const firstLang = () => {
  const wishes = [new URLSearchParams(location.search).get("__lang") || "", ...(navigator.languages || [])];
  return wishes.map((one) => one.trim().toLowerCase().split(/[-_]/)[0]).find((one) => one in table) || "en";
};
let lang = firstLang();
/* Gradio (6.31) runs this script before it draws what its config says, which is in English for everybody. */
const translateFirst = (said) => {
  const put = (texts) => {
    for (const [name, text] of Object.entries(texts)) if (Object.hasOwn(said, text)) texts[name] = said[text];
  };
  for (const { props } of window.gradio_config?.components || []) {
    put(props);
    if (typeof props.value !== "object" || !props.value) continue;
    put(props.value);
    if ("lang" in props.value) props.value.lang = lang;
  }
};
translateFirst("%FIRST%"[lang] || {});
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
