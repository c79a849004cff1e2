/* Form --------------------------------------------------------------------------------------- */

/* A form that is drawn: its description, what its fields say, and which of them somebody changed. */
const newSheet = (prefix = "") => ({
  prefix, // of the ids, where several forms are on the page
  slug: "",
  groups: [],
  values: {},
  touched: new Set(),
  since: new Map(), // what was put in since the server was last told
  made: new Map(),
  told: () => {}, // somebody changed something
  reshaped: () => {}, // other inputs may belong to it now
});

const main = newSheet();
let holder = null; // the component that hands what the form holds to the server

bridge.held = (props) => {
  holder = props;
  hold();
};

const hold = () => {
  if (holder) holder.value = { slug: main.slug, values: { ...main.values }, touched: [...main.touched] };
};

const putValue = (sheet, field, value) => {
  sheet.values[field.key] = value;
  sheet.touched.add(field.key);
  sheet.since.set(field.key, value);
  const made = sheet.made.get(field.key);
  if (made) {
    made.drawn = JSON.stringify(value);
    clearField(made.root);
  }
  if (sheet === main) putRight(field.key);
  sheet.told();
  if (field.reshapes || (field.element && value === null)) sheet.reshaped();
};

/* The field of an input as it is on the page; the same one again while nothing about it has changed. */
const fieldOf = (sheet, field, kept) => {
  const said = JSON.stringify(field);
  const old = kept.get(field.key);
  if (old && old.said === said) {
    sheet.made.set(field.key, old);
    return old.root;
  }
  const own = { ...field, slug: sheet.slug, id: sheet.prefix ? field.id.replace(/^input-/, `input-${sheet.prefix}`) : field.id };
  const made = makeField(own, (value) => putValue(sheet, own, value));
  made.said = said;
  made.value = () => sheet.values[field.key];
  made.root.bridgeSeed = (seed) => made.seed?.(seed, false);
  sheet.made.set(field.key, made);
  return made.root;
};

const showValue = (sheet, made) => {
  const value = sheet.values[made.field.key];
  const said = JSON.stringify(value) ?? "";
  if (made.drawn === said) return;
  made.drawn = said;
  made.show(value === undefined ? null : value);
};

const sizeOf = (sheet, item, kept) => {
  const pair = item.fields.map((field) => fieldOf(sheet, field, kept));
  const [width, height] = item.fields;
  const set = (values) =>
    [width, height].forEach((field, index) => {
      sheet.made.get(field.key).show(String(values[index]));
      putValue(sheet, field, String(values[index]));
    });
  const shape = (label, values) => make("button", { type: "button", onclick: () => set(values()) }, label);
  const shapes = item.presets.map(([label, across, down]) => shape(label, () => [across, down]));
  const swap = make("button", { type: "button", class: "swap", title: say("swap"), onclick: () => set([sheet.values[height.key], sheet.values[width.key]]) }, say("swap"));
  return make("div", { class: "size" }, make("div", { class: "size-pair" }, ...pair), make("div", { class: "size-presets" }, ...shapes, swap));
};

const drawItem = (sheet, item, kept) => {
  if (item.kind === "size") return [sizeOf(sheet, item, kept)];
  const field = fieldOf(sheet, item, kept);
  return item.more ? [field, moreOf(sheet, item.more)] : [field];
};

/* A list of values: another one can be added to it. */
const moreOf = (sheet, more) =>
  make("button", { type: "button", class: "field-more", onclick: () => {
    putValue(sheet, { key: more.key }, more.start);
    sheet.reshaped();
  } }, `${say("add_element")}: ${more.label}`);

const drawGroup = (sheet, group, kept) => {
  const parts = group.fields.flatMap((field) => drawItem(sheet, field, kept));
  return make("div", { class: "group" }, make("h3", { class: "group-title" }, group.title), ...parts);
};

const fold = (sheet, kept, isOpen) => {
  const id = `${sheet.prefix}advanced`;
  const inside = make("div", { class: "groups", id: `${id}-groups`, hidden: true });
  const toggle = make("button", { type: "button", class: "label-wrap", "aria-expanded": "false", "aria-controls": inside.id }, say("advanced"));
  const folded = make("section", { id, class: "advanced" }, toggle, inside);
  // Drawn when first looked into: a hundred fields that nobody sees are the slow part of a form.
  sheet.unfold = (open = true) => {
    if (open && !inside.firstChild) {
      inside.append(...sheet.groups.map((group) => drawGroup(sheet, group, kept)));
      for (const made of sheet.made.values()) if (inside.contains(made.root)) showValue(sheet, made);
    }
    inside.hidden = !open;
    toggle.classList.toggle("open", open);
    toggle.setAttribute("aria-expanded", String(open));
  };
  sheet.isOpen = () => !inside.hidden;
  toggle.addEventListener("click", () => sheet.unfold(inside.hidden));
  if (isOpen) sheet.unfold();
  return folded;
};

const drawSheet = (sheet, body, said, belowHead = []) => {
  const isSame = said.slug === sheet.slug;
  const wasOpen = isSame && sheet.isOpen?.();
  const kept = isSame ? sheet.made : new Map();
  const active = document.activeElement;
  if (!isSame) sheet.since.clear();
  sheet.slug = said.slug;
  // What was typed while the answer was on its way is newer than the answer.
  sheet.values = { ...said.values, ...Object.fromEntries(sheet.since) };
  sheet.touched = new Set([...said.touched, ...sheet.since.keys()]);
  sheet.made = new Map();
  sheet.groups = said.groups;
  sheet.unfold = sheet.isOpen = () => {};
  const parts = said.essential.flatMap((item) => drawItem(sheet, item, kept));
  if (said.head) {
    const head = make("div", { id: `${sheet.prefix}form-head` });
    head.innerHTML = said.head; // made by Python, with every text in it escaped
    parts.unshift(head, ...belowHead);
  }
  if (said.groups.length) parts.push(fold(sheet, kept, wasOpen || !said.essential.length));
  body.replaceChildren(...parts);
  for (const made of sheet.made.values()) showValue(sheet, made);
  if (active && active !== document.body && body.contains(active)) active.focus({ preventScroll: true });
  return !isSame;
};

bridge.form = (element, props, trigger, watch) => {
  const body = element.querySelector(".form-body");
  let asked = 0;
  let drawnAt = 0;
  const again = make("button", { type: "button", class: "form-refresh", title: say("refresh_form_hint"), onclick: () => trigger("click") });
  const edit = make("button", { type: "button", class: "form-refresh" });
  const draw = () => {
    const said = props.value;
    // An answer to an earlier question comes too late.
    if (!said?.slug || said.at <= drawnAt || said.asked < asked || (goal && said.slug !== goal)) return;
    drawnAt = said.at;
    lang = said.lang;
    current = said.slug;
    markCurrent();
    beforeDrawn();
    const isOther = drawSheet(main, body, said, [formBar, notice]);
    setText(again, say("refresh_form"));
    again.title = say("refresh_form_hint");
    setText(edit, say("ed_edit_form"));
    edit.dataset.edit = said.slug;
    body.append(make("div", { class: "form-tools" }, again, edit));
    hold();
    afterDrawn();
    if (isOther) byId("form-pane")?.scrollTo?.(0, 0);
    byId("form")?.setAttribute("data-drawn", said.slug);
    goToStage();
    if (typeof markForm === "function") markForm(); // the form of a run that failed may just have come
    performance.mark("form-drawn", { detail: said.slug });
  };
  askFor = (slug, replaces) => {
    noteFilling(slug, replaces);
    // In a turn of its own: what was put into `held` just now is on its way to where Gradio reads it.
    setTimeout(() => {
      main.since.clear(); // what the server is told now is in its answer
      asked += 1;
      trigger("select", { slug, replaces, asked });
    }, 0);
  };
  hand = () => trigger("input");
  main.told = () => {
    hold();
    noteSoon();
  };
  main.reshaped = () => askFor(main.slug, false);
  watch("value", draw);
  draw();
  if (goal) askFor(goal, false);
};

/* What is wrong ------------------------------------------------------------------------------- */

const clearField = (field) => {
  if (!field.classList.contains("is-wrong")) return;
  field.classList.remove("is-wrong");
  for (const said of field.querySelectorAll(".field-error[id]")) said.remove();
  for (const part of field.querySelectorAll(".is-wrong")) part.classList.remove("is-wrong");
  for (const control of field.querySelectorAll("[aria-invalid]")) {
    control.removeAttribute("aria-invalid");
    control.removeAttribute("aria-describedby");
  }
};

/* The sentence stands under the field, or under the part of it that it is about. */
const markField = (field, sentence) => {
  clearField(field);
  for (const folded of [field.closest("details"), field.querySelector("details")]) if (folded) folded.open = true;
  field.classList.add("is-wrong");
  field.closest(".field")?.classList.add("is-wrong");
  const id = `${field.id}-error`;
  field.append(make("p", { class: "field-error", id, role: "alert" }, sentence));
  for (const control of field.querySelectorAll("input:not([type=file], [aria-hidden]), textarea, select")) {
    control.setAttribute("aria-invalid", "true");
    control.setAttribute("aria-describedby", id);
  }
};

/* Where what is said of an input belongs: by its key, or by its element's id; parts of it ("loras.2.name")
   have elements of their own in it. Who asks sees the field, wherever it was folded away. */
const placeOf = (key) => {
  const id = (name) => `input-${name.replace(/[^A-Za-z0-9_-]/g, "-")}`;
  const isFolded = (name) => main.groups.some((group) => group.fields.some((field) => field.key === name || field.id === name));
  for (let name = key; name; name = name.includes(".") ? name.slice(0, name.lastIndexOf(".")) : "") {
    if (isFolded(name)) main.unfold();
    const made = main.made.get(name);
    if (made) return (name !== key && byId(id(key))) || made.root;
  }
  return byId(key) || null;
};

const markFields = (fields) => {
  const lost = [];
  let first = null;
  for (const [key, words] of Object.entries(fields)) {
    const place = placeOf(key);
    if (place) {
      markField(place, words);
      first = first || place;
    } else lost.push(words);
  }
  return [first, lost];
};

const unfold = (field) => {
  if (field.closest("#advanced .groups")?.hidden) main.unfold();
};

const goTo = (place) =>
  requestAnimationFrame(() => {
    place.scrollIntoView({ block: "center", behavior: calm() ? "auto" : "smooth" });
    place.querySelector("input:not([type=hidden], [type=file], [type=range]), textarea, select")?.focus({ preventScroll: true });
  });

let putRight = () => {}; // a field was changed: it is not counted as wrong any more

/* What the form held when it was handed in: what somebody put right since then is not wrong any more. */
let handedIn = null;
const isPutRight = (key) => {
  const [name] = Object.keys(main.values).filter((one) => key === one || key.startsWith(`${one}.`)).sort((one, other) => other.length - one.length);
  return Boolean(handedIn && name && handedIn[name] !== JSON.stringify(main.values[name]));
};
document.addEventListener("click", (event) => {
  if (event.target.closest("#generate")) handedIn = Object.fromEntries(Object.entries(main.values).map(([key, value]) => [key, JSON.stringify(value)]));
}, true);

/* How many fields are wrong; what is missing is told above the button already, and not counted once more. */
const countOf = (wrong) => {
  if (wrong.every((key) => toldMissing.has(key))) return "";
  return wrong.length === 1 ? say("form_problems_one") : say("form_problems").replace("{count}", wrong.length);
};

bridge.refusals = (element, props, watch) => {
  const sentence = element.querySelector(".refused");
  let [wrong, others] = [[], []]; // the keys of the fields that are marked, and what else there is to say
  const drawSentence = () => {
    setText(sentence, [countOf(wrong), ...others].filter(Boolean).join(" "));
    sentence.hidden = !sentence.textContent;
  };
  putRight = (key) => {
    const left = wrong.filter((one) => one !== key && !one.startsWith(`${key}.`));
    if (left.length === wrong.length) return;
    wrong = left;
    drawSentence();
  };
  const draw = () => {
    for (const field of document.querySelectorAll("#form .is-wrong")) clearField(field);
    const { fields = {}, sentence: said = "", seeds = {}, slug = "", answers = false } = props.value || {};
    const still = Object.entries(fields).filter(([key]) => !(answers && isPutRight(key)));
    const [first, lost] = markFields(Object.fromEntries(still));
    wrong = still.map(([key]) => key);
    others = [said, ...lost];
    if (answers) {
      busy(false);
      handedIn = null;
    }
    if (slug && slug === main.slug) for (const [key, seed] of Object.entries(seeds)) stepSeed(key, seed);
    drawSentence();
    if (first) goTo(first);
  };
  watch("value", draw);
};

/* A seed that counts goes on, whether its field was ever drawn or is folded away. */
const stepSeed = (key, used) => {
  const made = main.made.get(key);
  if (made) return made.seed?.(used, true);
  const way = /\d([+-])$/.exec(main.values[key] ?? "")?.[1];
  const field = main.groups.flatMap((group) => group.fields).find((one) => one.key === key);
  if (way && field && main.values[key] === used + way) putValue(main, field, counted(used, way, field) + way);
};

let isSending = false; // until the server has answered what was handed in
let patience = 0;

const busy = (is) => {
  isSending = is;
  clearTimeout(patience);
  if (is) patience = setTimeout(() => busy(false), 20000);
  drawStatus();
  const button = byId("generate");
  button?.classList.toggle("is-busy", is);
  button?.setAttribute("aria-busy", String(is));
};
