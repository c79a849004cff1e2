/* Form --------------------------------------------------------------------------------------- */

bridge.head = (element) => {
  const heading = element.querySelector("[data-current]");
  if (!heading) return;
  current = heading.dataset.current;
  markCurrent();
};

bridge.tooltips = (props, watch) => {
  const put = () => {
    for (const [id, words] of Object.entries(props.value || {})) {
      const field = byId(id);
      const label = field?.querySelector("[data-testid=block-info], label > span, .field-label, .label-wrap");
      (label || field)?.setAttribute("title", words);
    }
  };
  watch("value", put);
  setTimeout(put, 0);
  setTimeout(put, 400);
};

const clearField = (field) => {
  field.classList.remove("is-wrong");
  field.querySelector(":scope > .field-error")?.remove();
  for (const control of field.querySelectorAll("[aria-invalid]")) {
    control.removeAttribute("aria-invalid");
    control.removeAttribute("aria-describedby");
  }
};

const markField = (field, sentence) => {
  clearField(field);
  field.classList.add("is-wrong");
  const id = `${field.id}-error`;
  field.append(make("p", { class: "field-error", id, role: "alert" }, sentence));
  for (const control of field.querySelectorAll("input, textarea")) {
    control.setAttribute("aria-invalid", "true");
    control.setAttribute("aria-describedby", id);
  }
  const once = () => {
    clearField(field);
    field.removeEventListener("input", once);
  };
  field.addEventListener("input", once);
};

const unfold = (field) => {
  const folded = field.closest("#advanced");
  const toggle = folded?.querySelector(":scope > button, button.label-wrap");
  if (toggle && !toggle.classList.contains("open")) toggle.click();
};

bridge.refusals = (element, props, watch) => {
  const sentence = element.querySelector(".refused");
  const draw = () => {
    busy(false);
    for (const field of document.querySelectorAll(".is-wrong")) clearField(field);
    const { fields = {}, sentence: said = "" } = props.value || {};
    const lost = [];
    let first = null;
    for (const [id, words] of Object.entries(fields)) {
      const field = byId(id);
      if (field) {
        markField(field, words);
        first = first || field;
      } else lost.push(words);
    }
    setText(sentence, [said, ...lost].filter(Boolean).join(" "));
    sentence.hidden = !sentence.textContent;
    if (!first) return;
    unfold(first);
    requestAnimationFrame(() => {
      first.scrollIntoView({ block: "center", behavior: calm() ? "auto" : "smooth" });
      first.querySelector("input:not([type=hidden], [role=combobox], [type=file]), textarea")?.focus({ preventScroll: true });
    });
  };
  watch("value", draw);
};

bridge.seed = (element, props, watch) => {
  const root = element.closest("[id^=input-]") || element;
  const number = element.querySelector(".seed-number");
  const label = element.querySelector(".field-label");
  const random = element.querySelector(".seed-random");
  const roll = element.querySelector(".seed-roll");
  const last = element.querySelector(".seed-last");
  const words = props.say;
  number.id = `${root.id}-number`;
  label.htmlFor = number.id;
  label.textContent = props.label;
  number.placeholder = words.placeholder;
  random.textContent = words.random;
  roll.title = words.roll;
  roll.setAttribute("aria-label", words.roll);
  last.title = words.use;
  let offered = props.hint;
  let offer = words.workflow;
  const draw = () => {
    if (number.value !== String(props.value ?? "")) number.value = props.value ?? "";
    random.setAttribute("aria-pressed", String(!number.value.trim()));
    last.hidden = !offered || offered === number.value.trim();
    last.textContent = offer.replace("{seed}", offered);
  };
  const put = (value) => {
    props.value = value;
    draw();
    root.dispatchEvent(new Event("input"));
  };
  number.addEventListener("input", () => {
    props.value = number.value.trim();
    draw();
  });
  random.addEventListener("click", () => put(number.value.trim() ? "" : offered || drawn()));
  roll.addEventListener("click", () => put(drawn()));
  last.addEventListener("click", () => put(offered));
  root.bridgeSeed = (seed) => {
    offered = seed;
    offer = words.last;
    draw();
  };
  watch("value", draw);
  draw();
};

const drawn = () => {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return String((BigInt(high & 0x1fffff) << 32n) | BigInt(low)); // below 2**53, as ComfyUI's own page draws
};

let patience = 0;

const busy = (is) => {
  const line = document.querySelector("#status .line");
  clearTimeout(patience);
  if (is) {
    setText(line, say("sending"));
    patience = setTimeout(() => busy(false), 20000);
  } else if (line?.textContent === say("sending")) drawStatus();
  const button = byId("generate");
  button?.classList.toggle("is-busy", is);
  button?.setAttribute("aria-busy", String(is));
};
