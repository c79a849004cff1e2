/* What is done with a result ------------------------------------------------------------------ */

/* Whatever can be done with a run or its file, from wherever it is asked: see ui/acting.py for the actions
   and what each needs. An "input" without a place to go to, and a preset to be saved, ask first. */
bridge.act = (what) => {
  if (what.action === "input" && !what.key) return chooseInput(what);
  if (what.action === "keep_preset") return nameOfPreset({ run: what.run });
  noteState();
  if (!byId("create")?.offsetParent) openTab("create");
  seesForm = ["values", "use", "input", "template", "preset", "fill"].includes(what.action);
  ask(what);
};

let seesForm = false; // the form is what somebody is waiting for, wherever they are on the page

/* Actions behind one button: its menu opens on a click, and is walked through with the arrow keys. */
const menu = (label, items) => {
  const list = make("div", { class: "menu-list", role: "menu", hidden: true }, ...items);
  for (const item of items) {
    item.setAttribute("role", "menuitem");
    item.tabIndex = -1;
  }
  const button = make("button", { type: "button", class: "action menu-button", "aria-haspopup": "menu", "aria-expanded": "false" }, label);
  const outside = (event) => !box.contains(event.target) && open(false);
  const open = (is) => {
    if (is === !list.hidden) return;
    list.hidden = !is;
    button.setAttribute("aria-expanded", String(is));
    (is ? document.addEventListener : document.removeEventListener).call(document, "pointerdown", outside);
    if (!is) return;
    list.classList.remove("is-left");
    list.classList.toggle("is-left", list.getBoundingClientRect().right > document.documentElement.clientWidth - 8);
    list.scrollIntoView({ block: "nearest" });
    items[0]?.focus({ preventScroll: true });
  };
  button.addEventListener("click", () => open(list.hidden));
  list.addEventListener("click", (event) => {
    if (event.target.closest("[role=menuitem]") && !event.target.closest(".stays")) open(false);
  });
  const box = make("div", { class: "menu" }, button, list);
  box.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const now = items.indexOf(document.activeElement);
    const to = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      items[(to + items.length) % items.length].focus();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      open(false);
      button.focus();
    }
  });
  box.addEventListener("focusout", (event) => event.relatedTarget && !box.contains(event.relatedTarget) && open(false));
  return box;
};

/* The further actions of a run on the stage, each a button. */
const furtherActions = (runId, file) => {
  const one = (name, more = {}) =>
    make("button", { type: "button", class: "action", title: more.hint, onclick: () => bridge.act({ action: name, run: runId, ...more.what }) }, say(more.words));
  return [
    one("again", { words: "same_again", hint: say("same_again_hint") }),
    ...(file && ["image", "video", "audio"].includes(file.kind) ? [one("input", { words: "use_as_input", what: { file: file.name, kind: file.kind } })] : []),
    one("template", { words: "open_as_template" }),
    one("keep_preset", { words: "save_as_preset" }),
    copyLink(),
  ];
};

/* What the form says of values that were put into it ------------------------------------------ */

const notice = make("div", { class: "remix-notice", role: "status", hidden: true });
let noticed = {};

/* Who turns to another template has read what names none. */
const leaveNotice = () => {
  if (noticed.slug) return;
  noticed = { at: noticed.at };
  drawNotice();
};

bridge.remix = (props, watch) => {
  const draw = () => {
    const said = props.value || {};
    if (!said.at || said.at === noticed.at) return;
    noticed = said;
    drawNotice();
    showPlace();
    if (said.sentence && !said.slug) notice.scrollIntoView?.({ block: "nearest" });
  };
  watch("value", draw);
  draw();
};

/* What the script has to say itself. */
const sayNotice = (sentence) => {
  noticed = { sentence, lines: [], at: noticed.at };
  drawNotice();
  notice.scrollIntoView({ block: "nearest" });
};

/* What names no form stays at whichever comes by itself: the library may be changing at that moment. */
const drawNotice = () => {
  notice.hidden = !noticed.sentence || Boolean(noticed.slug && noticed.slug !== main.slug);
  if (notice.hidden) {
    notice.replaceChildren();
    return;
  }
  const lines = noticed.lines.map((line) =>
    make("li", {}, make("b", {}, line.label), make("del", {}, line.value), make("span", {}, line.why)));
  const close = () => {
    noticed = { at: noticed.at };
    drawNotice();
  };
  const again = (name, words) => make("button", { type: "button", class: "action", onclick: () => (close(), bridge.act({ action: name, run: noticed.run || run })) }, say(words));
  const run = noticed.run;
  notice.replaceChildren(
    make("p", {}, noticed.sentence),
    ...(lines.length ? [make("ul", {}, ...lines)] : []),
    ...(run ? [make("div", { class: "action-row" }, again("again", "same_again"), again("template", "open_as_template"))] : []),
    make("button", { type: "button", class: "remix-close", title: say("remix_close"), "aria-label": say("remix_close"), onclick: close }, "×"),
  );
};

/* The form as it was -------------------------------------------------------------------------- */

/* A step is a change that somebody made: of a form, or from one form into another that values were put into.
   To choose another template is none, and the steps of a form wait for who comes back to it. */
const MOST_STEPS = 20;
const steps = []; // oldest first: the states `from` and `to`, their forms, and whether it was taken back
const noted = new Map(); // each form as it was last, by slug
let filling = null; // values are being put into a form: the state `from` which, and the form that it is
let settling = 0;
let restoring = false;

const stateNow = () => {
  const keys = [...main.touched].filter((key) => key in main.values).sort();
  return JSON.stringify({ slug: main.slug, values: Object.fromEntries(keys.map((key) => [key, main.values[key]])) });
};

const addStep = (from, to) => {
  const [before, after] = [JSON.parse(from).slug, JSON.parse(to).slug];
  // What was taken back of these forms cannot be had again.
  const stays = steps.filter((one) => !one.isBack || ![one.before, one.after].some((slug) => [before, after].includes(slug)));
  steps.splice(0, steps.length, ...stays, { from, to, before, after, isBack: false });
  if (steps.length > MOST_STEPS) steps.shift();
};
const stepBack = () => steps.findLast((one) => !one.isBack && one.after === main.slug);
const stepForth = () => steps.find((one) => one.isBack && one.before === main.slug);

/* Remember the form as it is, and what somebody made of it. */
const noteState = () => {
  clearTimeout(settling);
  if (!main.slug || restoring) return;
  const [was, now] = [noted.get(main.slug), stateNow()];
  noted.set(main.slug, now);
  if (was && was !== now) addStep(was, now);
  drawBar();
};
/* The form is being asked for: as it will be with the values that are put into it, or as it is. Until that has
   come it may be asked for again, and so may the one that still stands. */
const noteFilling = (slug, isFilled) => {
  if (isFilled) noteState();
  if (isFilled && main.slug) filling = { from: stateNow(), slug };
  else if (filling && goal !== filling.slug) filling = null; // somebody went on to another
};

/* Typing is remembered once it pauses. */
const noteSoon = () => {
  clearTimeout(settling);
  settling = setTimeout(noteState, 900);
};

const step = async (by) => {
  noteState();
  const one = by < 0 ? stepBack() : stepForth();
  if (restoring || !one) return;
  const state = JSON.parse(by < 0 ? one.from : one.to);
  if (state.slug !== main.slug && !cardsOf().some((card) => card.dataset.slug === state.slug)) {
    steps.splice(steps.indexOf(one), 1); // its template is gone
    return drawBar();
  }
  restoring = true;
  one.isBack = by < 0;
  if (state.slug !== main.slug) await handIn();
  main.since.clear();
  holder.value = { slug: state.slug, values: state.values, touched: Object.keys(state.values) };
  if (state.slug === main.slug) pick(state.slug);
  else choose(state.slug);
  drawBar();
};

/* Around every drawing of the form. */
const beforeDrawn = () => {
  if (restoring || !main.slug) return;
  noteState();
};
const afterDrawn = () => {
  const [was, now] = [noted.get(main.slug), stateNow()];
  const from = filling?.slug === main.slug ? filling.from : "";
  if (from) filling = null;
  if (from) from !== now && addStep(from, now);
  else if (!restoring) for (const one of steps) if (one.to === was) one.to = now; // as the server spells it
  restoring = false;
  noted.set(main.slug, now);
  drawBar();
  drawNotice();
  showPlace();
  rememberSeeds();
  if (isToVary) varyForm();
  if (!seesForm) return;
  seesForm = false;
  if (matchMedia("(max-width: 719px)").matches) byId("form").scrollIntoView({ block: "start", behavior: calm() ? "auto" : "smooth" });
};

/* Where a result went to may be folded away. */
const showPlace = () => {
  const place = !notice.hidden && noticed.key && placeOf(noticed.key);
  if (!place) return;
  noticed.key = "";
  const folded = place.matches("details") ? place : place.querySelector("details");
  if (folded) folded.open = true;
  place.scrollIntoView({ block: "nearest" });
};

const undo = make("button", { type: "button", class: "bar-button", onclick: () => step(-1) });
const redo = make("button", { type: "button", class: "bar-button", onclick: () => step(1) });
const stepSaid = make("span", { class: "off-screen", role: "status" });
const formBar = make("div", { class: "form-bar", role: "group" }, undo, redo, stepSaid);

const drawBar = () => {
  setText(presetButton, say("presets"));
  setText(undo, say("undo"));
  setText(redo, say("redo"));
  undo.title = say("undo_hint");
  redo.title = say("redo_hint");
  // Not `disabled`, which would take the focus from whoever steps back with the keyboard.
  undo.setAttribute("aria-disabled", String(!stepBack()));
  redo.setAttribute("aria-disabled", String(!stepForth()));
  formBar.setAttribute("aria-label", say("form_steps"));
};

const takesText = (element) =>
  element.isContentEditable || element.matches?.("textarea, select, input:not([type=checkbox], [type=radio], [type=range], [type=button], [type=file], [type=color])");

document.addEventListener("keydown", (event) => {
  const key = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey) || event.altKey || !["z", "y"].includes(key)) return;
  if (takesText(event.target) || !byId("create")?.offsetParent || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  step(key === "y" || event.shiftKey ? 1 : -1);
});
document.addEventListener("click", (event) => event.target.closest("#generate") && noteState(), true);

/* A window over the page ---------------------------------------------------------------------- */

/* Made when it is needed, gone when it is closed; the focus goes back to where it was. */
const openWindow = (title, ...children) => {
  const before = document.activeElement;
  const close = make("button", { type: "button", class: "remix-close", "aria-label": say("remix_close"), title: say("remix_close"), onclick: () => box.close() }, "×");
  const box = make("dialog", { class: "remix-window", "aria-label": title }, make("h2", {}, title), close, ...children);
  box.addEventListener("close", () => {
    box.remove();
    if (before?.isConnected) before.focus({ preventScroll: true });
  });
  box.addEventListener("click", (event) => event.target === box && box.close());
  // Inside of Gradio's own container its styles and ours hold.
  document.querySelector(".gradio-container .contain").append(box);
  box.showModal();
  layOver(box);
  return box;
};

const answered = async (answer) => {
  try {
    const response = await answer;
    return await response.json();
  } catch {
    return { error: say("no_answer") };
  }
};

/* A result as an input ------------------------------------------------------------------------ */

const chooseInput = async (what) => {
  const query = new URLSearchParams({ kind: what.kind || "image", template: main.slug, lang });
  const { templates = [], error } = await answered(fetch(`remix/inputs?${query}`));
  const list = make("ul", { class: "place-list" });
  const go = (template, key) => {
    box.close();
    bridge.act({ ...what, template, key });
  };
  const place = (template, input) =>
    make("button", { type: "button", class: "place", onclick: () => go(template.slug, input.key) }, make("b", {}, template.slug === main.slug ? say("this_form") : template.title), make("span", {}, input.label));
  const draw = (wanted = "") => {
    const fits = templates.filter((one) => one.title.toLowerCase().includes(wanted.toLowerCase()));
    list.replaceChildren(...fits.flatMap((one) => one.inputs.map((input) => make("li", {}, place(one, input)))));
    if (!fits.length) list.append(make("li", { class: "quiet" }, error || say(templates.length ? "no_match" : "no_place")));
  };
  const search = make("input", { type: "search", class: "box", placeholder: say("search_templates"), "aria-label": say("search_templates") });
  search.addEventListener("input", () => draw(search.value));
  draw();
  const picture = what.kind && what.kind !== "image" ? "" : make("img", { class: "place-picture", alt: "", src: `media/${encodeURIComponent(what.run)}/${encodeURIComponent(what.file)}?size=256` });
  const box = openWindow(say("use_as_input_title"), picture, make("p", { class: "quiet" }, say("use_as_input_hint")), templates.length > 6 ? search : "", list);
  list.querySelector("button")?.focus();
};

/* A picture or a workflow that is dropped on the page ------------------------------------------ */

const overlay = make("div", { class: "drop-over", "aria-hidden": "true", hidden: true });
let draggedHere = false; // something of this very page, which has other places to go to

const carriesFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
const ownPlace = (event) => event.target.closest?.(".file-zone, .picture, #templates, #library-pane, [data-takes-files]");
const showOverlay = (event) => {
  if (!overlay.isConnected) document.querySelector(".gradio-container .contain").append(overlay);
  const place = ownPlace(event);
  const isInput = place?.matches(".file-zone, .picture");
  overlay.replaceChildren(make("p", {}, say(isInput ? "drop_as_input" : "drop_to_remix")), make("span", {}, say("drop_to_remix_hint")));
  overlay.classList.toggle("is-input", Boolean(isInput));
  overlay.hidden = Boolean(place) && !isInput; // where templates are, the place itself says what it does
};
const hideOverlay = () => {
  overlay.hidden = true;
};

document.addEventListener("dragstart", () => (draggedHere = true));
document.addEventListener("dragend", () => (draggedHere = false));
document.addEventListener("dragover", (event) => {
  if (draggedHere || !carriesFiles(event) || document.querySelector("dialog[open]")) return;
  showOverlay(event);
  if (!ownPlace(event)) event.preventDefault();
});
document.addEventListener("dragleave", (event) => !event.relatedTarget && hideOverlay());
document.addEventListener("drop", (event) => {
  hideOverlay();
  if (draggedHere || event.defaultPrevented || !carriesFiles(event) || ownPlace(event)) return;
  event.preventDefault();
  const [file] = event.dataTransfer.files;
  if (file) bringBack(file);
}, false);

/* Its workflow and values come back: into the form of the template it came from, else as a new template
   once somebody says so. */
const bringBack = async (file) => {
  const query = new URLSearchParams({ name: file.name, template: main.slug, lang });
  const found = await answered(fetch(`remix/intake?${query}`, { method: "POST", body: file }));
  if (found.slug) bridge.act({ action: "fill", template: found.slug, values: found.values, name: file.name });
  else if (found.error) openWindow(say("drop_refused").replace("{name}", file.name), make("p", {}, found.error));
  else offerAsNew(file, found);
};

const offerAsNew = (file, found) => {
  const problem = make("p", { class: "field-error", role: "alert", hidden: true });
  const add = async (anyway = false) => {
    const query = new URLSearchParams({ name: file.name, lang, ...(anyway ? { anyway: "1" } : {}) });
    const made = await answered(fetch(`library/intake?${query}`, { method: "POST", body: file }));
    if (made.slug) {
      box.close();
      bridge.act({ action: "fill", template: made.slug, values: {}, name: file.name, brought: true });
      return;
    }
    setText(problem, made.error || say("no_answer"));
    problem.hidden = false;
    if (made.could) yes.onclick = () => add(true);
  };
  const yes = make("button", { type: "button", class: "action main", }, say("drop_add"));
  yes.onclick = () => add();
  const no = make("button", { type: "button", class: "action", onclick: () => box.close() }, say("remix_cancel"));
  const sentence = say("drop_new").replace("{name}", file.name).replace("{count}", found.nodes);
  const box = openWindow(say("drop_new_title"), make("p", {}, sentence), problem, make("div", { class: "action-row" }, yes, no));
  yes.focus();
};
