/* Fields ------------------------------------------------------------------------------------- */

/* What stands for one input. Each kind of widget has a function here, which is given the field's
   description and `put`, to be told of what somebody changes; it gives
     element  what stands under the label
     show     draws a value that comes from elsewhere
     input    what the label belongs to, if anything
     inline   the element says the label itself
   Values are raw ones, as Python describes and reads them: numbers are texts. */
const kinds = {};

const makeField = (field, put) => {
  const root = make("div", { class: `field is-${field.kind}`, id: field.id, "data-key": field.key });
  const made = { root, field, show: () => {} };
  if (field.kind === "none" || !kinds[field.kind]) {
    root.append(make("p", { class: "field-hint" }, make("b", {}, field.label), " ", field.reason || ""));
    return made;
  }
  const control = kinds[field.kind](field, put);
  if (control.input) control.input.id = `${field.id}-input`;
  const top = make("div", { class: "field-top" });
  const label = make(control.input ? "label" : "span", { class: "field-label", for: control.input?.id, title: field.tip, id: `${field.id}-label` }, field.label);
  if (control.inline) label.classList.add("is-repeated");
  top.append(label);
  if (control.element.getAttribute("role")) control.element.setAttribute("aria-labelledby", label.id);
  if (control.inline && !field.optional) top.hidden = true;
  root.append(top, control.element);
  made.show = control.show;
  made.seed = control.seed;
  if (field.optional) leaveOut(made, top, control, put);
  if (field.element) top.append(make("button", { type: "button", class: "field-out", "aria-label": `${say("remove")}: ${field.label}`, onclick: () => put(null) }, say("remove")));
  return made;
};

/* An input that a node can do without: out of the workflow, or in it with a value. */
const leaveOut = (made, top, control, put) => {
  const { root, field } = made;
  const button = make("button", { type: "button", class: "field-out" });
  let isOut = null;
  let last = field.start;
  const draw = (out) => {
    isOut = out;
    root.classList.toggle("is-out", out);
    setText(button, say(out ? "put_in" : "leave_out"));
    button.setAttribute("aria-label", `${say(out ? "put_in" : "leave_out")}: ${field.label}`);
    button.title = say(out ? "put_in_hint" : "leave_out_hint");
  };
  button.addEventListener("click", () => {
    const value = isOut ? last : null;
    if (!isOut) last = made.value();
    made.show(value);
    put(value);
    if (value !== null) control.input?.focus();
  });
  made.show = (value) => {
    draw(value === null);
    if (value !== null) control.show(value);
  };
  top.append(button);
};

/* Numbers: as texts, so that nothing is rounded on the way. */

const numberBox = (field, put) => {
  const box = make("input", { type: "number", inputmode: field.whole ? "numeric" : "decimal", min: field.min, max: field.max, step: field.step || "any", autocomplete: "off", class: "box" });
  box.addEventListener("input", () => put(box.value));
  // A wheel over a number is meant for the page.
  box.addEventListener("wheel", () => document.activeElement === box && box.blur(), { passive: true });
  return box;
};

kinds.number = (field, put) => {
  const box = numberBox(field, put);
  return { element: box, input: box, show: (value) => (box.value = value ?? "") };
};

kinds.slider = (field, put) => {
  const range = make("input", { type: "range", min: field.min, max: field.max, step: field.step, tabindex: "-1", "aria-hidden": "true" });
  const box = numberBox(field, (value) => {
    fill(value);
    put(value);
  });
  const fill = (value) => {
    range.value = value === "" ? field.min : value;
    const share = (Number(range.value) - Number(field.min)) / (Number(field.max) - Number(field.min));
    range.style.setProperty("--share", String(share));
  };
  range.addEventListener("input", () => {
    box.value = range.value;
    fill(range.value);
    put(range.value);
  });
  const show = (value) => {
    box.value = value ?? "";
    fill(value ?? "");
  };
  return { element: make("div", { class: "slider" }, range, box), input: box, show };
};

const textLine = (field, put, attributes = {}) => {
  const box = make("input", { type: "text", autocomplete: "off", class: "box", placeholder: field.placeholder, ...attributes });
  box.addEventListener("input", () => put(box.value));
  return { element: box, input: box, show: (value) => (box.value = value ?? "") };
};

kinds.digits = (field, put) => textLine(field, put, { inputmode: "numeric", spellcheck: "false" });
kinds.line = (field, put) => textLine(field, put);

const grows = typeof CSS !== "undefined" && CSS.supports("field-sizing", "content");

kinds.text = (field, put) => {
  const box = make("textarea", { class: "box", rows: field.lines || 3, placeholder: field.placeholder });
  box.style.setProperty("--lines", field.lines || 3);
  const grow = () => {
    if (grows || !box.offsetParent) return;
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight + 2}px`;
  };
  box.addEventListener("input", () => {
    grow();
    put(box.value);
  });
  const show = (value) => {
    box.value = value ?? "";
    requestAnimationFrame(grow);
  };
  return { element: box, input: box, show };
};

/* Yes or no: a box to tick, or the node's own two words. */
kinds.switch = (field, put) => {
  if (field.on && field.off) return twoWords(field, put);
  const box = make("input", { type: "checkbox" });
  const word = make("span", { class: "switch-word" });
  const draw = () => setText(word, (box.checked ? field.on : field.off) || "");
  box.addEventListener("change", () => {
    draw();
    put(box.checked);
  });
  const line = make("label", { class: "switch", title: field.tip }, box, make("span", {}, field.label), word);
  const show = (value) => {
    box.checked = value === true;
    draw();
  };
  return { element: line, input: box, show, inline: true };
};

const twoWords = (field, put) => {
  const element = make("div", { class: "two-words", role: "radiogroup" });
  const [on, off] = [true, false].map((value) => {
    const word = make("button", { type: "button", role: "radio", onclick: () => choose(value, true) }, value ? field.on : field.off);
    word.addEventListener("keydown", (event) => {
      if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) return;
      event.preventDefault();
      choose(!value, true);
      (value ? off : on).focus();
    });
    return word;
  });
  element.append(on, off);
  const choose = (value, tell) => {
    for (const [word, is] of [[on, value], [off, !value]]) {
      word.setAttribute("aria-checked", String(is));
      word.tabIndex = is ? 0 : -1;
    }
    if (tell) put(value);
  };
  return { element, show: (value) => choose(value === true, false) };
};

kinds.color = (field, put) => {
  const asText = (value) => (field.number ? `#${Number(value || 0).toString(16).padStart(6, "0")}` : String(value ?? ""));
  const asValue = (text) => (field.number ? (/^#[0-9a-f]{6}$/i.test(text) ? String(parseInt(text.slice(1), 16)) : text) : text);
  const pick = make("input", { type: "color", "aria-label": `${field.label}: ${say("pick_color")}` });
  const box = make("input", { type: "text", class: "box", autocomplete: "off", spellcheck: "false" });
  pick.addEventListener("input", () => {
    box.value = pick.value;
    put(asValue(pick.value));
  });
  box.addEventListener("input", () => {
    if (/^#[0-9a-f]{6}$/i.test(box.value)) pick.value = box.value;
    put(asValue(box.value));
  });
  const show = (value) => {
    box.value = asText(value);
    if (/^#[0-9a-f]{6}$/i.test(box.value)) pick.value = box.value;
  };
  return { element: make("div", { class: "color" }, pick, box), input: box, show };
};

/* A seed: "" is drawn anew each time, "5" stays, "5+" and "5-" count after each run. */
kinds.seed = (field, put) => {
  const number = make("input", { class: "box seed-number", type: "text", inputmode: "numeric", autocomplete: "off", spellcheck: "false", placeholder: say("seed_random_placeholder") });
  const roll = make("button", { type: "button", class: "seed-roll", title: say("seed_roll"), "aria-label": say("seed_roll") });
  const after = make("select", { class: "box seed-after", "aria-label": `${field.label}: ${say("seed_after")}`, title: say("seed_after") });
  for (const name of ["random", "fixed", "+", "-"]) after.append(make("option", { value: name }, say(`seed_${{ "+": "up", "-": "down" }[name] || name}`)));
  const last = make("button", { type: "button", class: "seed-last", title: say("seed_use"), hidden: true });
  let offered = field.own || "";
  let isLast = false;
  let counts = "";
  const draw = () => {
    const text = number.value.trim();
    after.value = text ? counts || "fixed" : "random";
    last.hidden = !offered || offered === text;
    setText(last, say(isLast ? "seed_last" : "seed_workflow").replace("{seed}", offered));
  };
  const tell = () => {
    const text = number.value.trim();
    draw();
    put(text ? text + counts : "");
  };
  const set = (text) => {
    number.value = text;
    tell();
  };
  number.addEventListener("input", () => {
    if (!number.value.trim()) counts = "";
    tell();
  });
  after.addEventListener("change", () => {
    counts = ["+", "-"].includes(after.value) ? after.value : "";
    set(after.value === "random" ? "" : number.value.trim() || offered || drawnSeed());
  });
  roll.addEventListener("click", () => set(drawnSeed()));
  last.addEventListener("click", () => set(offered));
  const show = (value) => {
    const text = String(value ?? "");
    counts = /\d[+-]$/.test(text) ? text.slice(-1) : "";
    number.value = counts ? text.slice(0, -1) : text;
    draw();
  };
  /* A run was submitted with this seed: it can be had again, and one that counts goes on. */
  const seed = (used, isSubmitted) => {
    offered = used;
    isLast = true;
    if (isSubmitted && counts && number.value.trim() === used) set(counted(used, counts, field));
    else draw();
  };
  const row = make("div", { class: "seed-row" }, number, roll);
  return { element: make("div", { class: "seed" }, row, make("div", { class: "seed-more" }, after, last)), input: number, show, seed };
};

const counted = (seed, way, { min, max }) => {
  const next = BigInt(seed) + (way === "+" ? 1n : -1n);
  if (next > BigInt(max)) return max;
  return next < BigInt(min) ? min : String(next);
};

const drawnSeed = () => {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return String((BigInt(high & 0x1fffff) << 32n) | BigInt(low)); // below 2**53, as ComfyUI's own page draws
};

/* A widget that was made for a component of its own: it has a value in `props` and watches it. */
const framed = (name, html) => (field, put) => {
  const element = make("div", { class: "framed" });
  let held = null;
  let changed = null;
  const props = {
    ...field,
    get value() { return held; },
    set value(value) {
      held = value;
      put(value);
    },
  };
  const show = (value) => {
    held = value;
    if (changed) return changed();
    // Only now does it stand in its field, by which it knows itself.
    element.innerHTML = html;
    changed = () => {};
    bridge[name](element, props, (_, told) => (changed = told));
  };
  return { element, show, inline: true };
};

kinds.loras = framed("loras", '<div class="stack-place"></div>');
kinds.controlnet = framed("controlnet", '<div class="stack-place"></div>');
