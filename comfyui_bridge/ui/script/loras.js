/* LoRAs and a ControlNet --------------------------------------------------------------------------
   Each is one component that holds JSON; Python says what may be chosen and checks what was. */

const MOST_SHOWN = 80; // a list of thousands is searched, not scrolled

/* A text field that finds one of many names as one types. */
const chooser = ({ id, label, value, options, words, picked }) => {
  const list = make("ul", { class: "chooser-list", role: "listbox", id: `${id}-list`, "aria-label": label, hidden: true });
  const input = make("input", {
    id, type: "text", role: "combobox", class: "chooser-input", autocomplete: "off", spellcheck: "false",
    placeholder: words.find, "aria-label": label, "aria-autocomplete": "list", "aria-expanded": "false",
    "aria-controls": list.id,
  });
  const box = make("div", { class: "chooser" }, input, list);
  let settled = value;
  let active = -1;
  input.value = value;
  input.title = value;

  const items = () => [...list.querySelectorAll("[role=option]")];
  const point = (to) => {
    const all = items();
    active = all.length ? (to + all.length) % all.length : -1;
    all.forEach((item, at) => item.setAttribute("aria-selected", String(at === active)));
    if (active < 0) input.removeAttribute("aria-activedescendant");
    else {
      input.setAttribute("aria-activedescendant", all[active].id);
      all[active].scrollIntoView({ block: "nearest" });
    }
  };
  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const open = (typed) => {
    const wanted = typed.toLowerCase().split(/\s+/).filter(Boolean);
    const found = options.filter((name) => wanted.every((word) => name.toLowerCase().includes(word)));
    list.replaceChildren(
      ...found.slice(0, MOST_SHOWN).map((name, at) =>
        make("li", { role: "option", id: `${id}-${at}`, "aria-selected": "false", "data-name": name, title: name }, name)
      )
    );
    const more = found.length - MOST_SHOWN;
    if (more > 0) list.append(make("li", { class: "chooser-more", role: "presentation" }, words.more.replace("{count}", more)));
    if (!found.length) list.append(make("li", { class: "chooser-more", role: "presentation" }, options.length ? words.none : words.no_files));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    point(Math.max(0, found.slice(0, MOST_SHOWN).indexOf(settled)));
  };
  const settle = (name) => {
    close();
    input.value = input.title = name;
    if (name === settled) return;
    settled = name;
    picked(name);
  };
  input.addEventListener("focus", () => input.select());
  input.addEventListener("click", () => list.hidden && open(""));
  input.addEventListener("input", (event) => {
    event.stopPropagation(); // it is no new value before it is picked
    open(input.value);
  });
  input.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) open("");
      else point(active + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (list.hidden) open("");
      else if (items()[active]) settle(items()[active].dataset.name);
    } else if (event.key === "Escape" && !list.hidden) {
      event.stopPropagation();
      close();
      input.value = settled;
    }
  });
  // What was typed and is no name is kept: whoever checks it says what is near.
  input.addEventListener("blur", () => {
    const typed = input.value.trim();
    settle(options.find((name) => name.toLowerCase() === typed.toLowerCase()) || typed);
  });
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // the field keeps the focus
    const item = event.target.closest("[role=option]");
    if (item && event.button === 0 && event.pointerType === "mouse") settle(item.dataset.name);
  });
  list.addEventListener("click", (event) => {
    const item = event.target.closest("[role=option]");
    if (item && !list.hidden) settle(item.dataset.name);
  });
  return Object.assign(box, { focusInput: () => (input.focus(), open("")), settleNow: () => input.dispatchEvent(new Event("blur")) });
};

/* A slider and a number that are one value. */
const amount = ({ id, label, value, low, high, least, most, step, changed }) => {
  const range = make("input", { type: "range", class: "amount-range", min: low, max: high, step, "aria-label": label, tabindex: "-1" });
  const number = make("input", { type: "number", class: "amount-number", id, min: least, max: most, step, inputmode: "decimal", "aria-label": label });
  range.value = value;
  number.value = value;
  range.addEventListener("input", (event) => {
    event.stopPropagation();
    number.value = range.value;
    changed(Number(range.value));
  });
  number.addEventListener("input", (event) => {
    event.stopPropagation();
    if (number.value === "" || Number.isNaN(number.valueAsNumber)) return changed(number.value);
    range.value = number.value;
    changed(number.valueAsNumber);
  });
  return make("div", { class: "amount" }, range, number);
};

const plain = (value) => JSON.parse(JSON.stringify(value ?? null));

/* What is folded, and says how much it holds. */
const folded = (element, title, isOpen) => {
  const count = make("span", { class: "stack-count" });
  const body = make("div", { class: "stack-body" });
  const box = make("details", { class: "stack" }, make("summary", {}, make("span", { class: "stack-title" }, title), count), body);
  box.open = isOpen;
  element.querySelector(".stack-place").replaceChildren(box);
  return { box, body, count };
};

bridge.loras = (element, props, watch) => {
  const root = element.closest("[id^=input-]") || element;
  const words = props.say;
  let rows = [];
  const { box, body, count } = folded(element, props.label, Boolean(plain(props.value)?.length));
  const list = make("ol", { class: "stack-rows" });
  const news = make("p", { class: "off-screen", role: "status" });
  const add = make("button", { type: "button", class: "stack-add" }, words.add);
  body.append(list, add, make("p", { class: "field-hint" }, words.hint), news);

  const put = () => {
    props.value = rows.filter((row) => row.name).map(({ name, strength_model, strength_clip, on }) => ({
      name, strength_model, ...(strength_clip === undefined ? {} : { strength_clip }), ...(on === false ? { on } : {}),
    }));
    tell();
    root.dispatchEvent(new Event("input"));
  };
  const tell = () => {
    const acting = rows.filter((row) => row.name && row.on !== false && Number(row.strength_model) !== 0).length;
    count.textContent = acting ? String(acting) : "";
    count.title = acting ? words.acting.replace("{count}", acting) : "";
  };
  const said = (text, row, at) =>
    text.replace("{name}", row.name || words.nameless).replace("{place}", at + 1).replace("{count}", rows.length);
  const move = (from, to, focus = true) => {
    if (to < 0 || to >= rows.length || to === from) return;
    const [row] = rows.splice(from, 1);
    rows.splice(to, 0, row);
    draw();
    put();
    news.textContent = said(words.moved, row, to);
    if (focus) list.children[to].querySelector(".stack-grip").focus();
  };
  const remove = (at) => {
    const [row] = rows.splice(at, 1);
    draw();
    put();
    news.textContent = said(words.removed, row, at);
    (list.children[Math.min(at, rows.length - 1)]?.querySelector(".stack-remove") || add).focus();
  };

  /* By pointer: the row follows, and the others make room as it passes their middles. */
  const drag = (grip, item) => {
    grip.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      item.classList.add("is-dragged");
      const follow = (now) => {
        const after = [...list.children].filter((other) => other !== item).find((other) => {
          const { top, height } = other.getBoundingClientRect();
          return now.clientY < top + height / 2;
        });
        if ((after || null) !== item.nextElementSibling) list.insertBefore(item, after || null);
      };
      const stop = new AbortController();
      const drop = () => {
        stop.abort();
        item.classList.remove("is-dragged");
        const from = rows.indexOf(item.row);
        const to = [...list.children].indexOf(item);
        if (to !== from) move(from, to);
      };
      // Of the window: a row that is put elsewhere loses the pointer it had captured.
      addEventListener("pointermove", follow, stop);
      addEventListener("pointerup", drop, stop);
      addEventListener("pointercancel", drop, stop);
    });
  };

  const item = (row, at) => {
    const id = `${root.id}-${at + 1}`; // where Python tells what is wrong with it
    const grip = make("button", { type: "button", class: "stack-grip", title: words.grip });
    const name = chooser({
      id: `${id}-name`, label: said(words.name, row, at), value: row.name, options: props.options, words,
      picked: (chosen) => {
        row.name = chosen;
        label();
        clearField(line);
        put();
      },
    });
    const on = make("input", { type: "checkbox", role: "switch", class: "stack-on", title: words.on_hint });
    on.checked = row.on !== false;
    on.addEventListener("input", (event) => {
      event.stopPropagation();
      row.on = on.checked;
      line.classList.toggle("is-off", !on.checked);
      put();
    });
    const off = make("button", { type: "button", class: "stack-remove", title: words.remove });
    off.addEventListener("click", () => remove(at));
    const strength = amount({
      id: `${id}-strength`, label: "", value: row.strength_model, low: 0, high: 2,
      least: props.least, most: props.most, step: 0.05,
      changed: (number) => {
        row.strength_model = number;
        clearField(line);
        put();
      },
    });
    const label = () => {
      const own = [[grip, words.move], [on, words.on], [off, words.remove_named]];
      for (const each of strength.children) own.push([each, words.strength]);
      for (const [control, text] of own) control.setAttribute("aria-label", said(text, row, at));
    };
    label();
    const line = make("li", { class: "stack-row", id }, grip, name, on, off, strength);
    line.row = row;
    line.classList.toggle("is-off", row.on === false);
    grip.addEventListener("keydown", (event) => {
      const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!by) return;
      event.preventDefault();
      move(rows.indexOf(row), rows.indexOf(row) + by);
    });
    drag(grip, line);
    return line;
  };
  const draw = () => {
    list.replaceChildren(...rows.map(item));
    tell();
  };
  add.addEventListener("click", () => {
    rows.push({ name: "", strength_model: 1 });
    draw();
    list.lastElementChild.querySelector(".chooser").focusInput();
  });
  const take = () => {
    const given = plain(props.value) || [];
    if (JSON.stringify(given) === JSON.stringify(rows.filter((row) => row.name))) return;
    rows = given.map((row) => ({ strength_model: 1, ...row }));
    draw();
  };
  watch("value", take);
  take();
};

bridge.controlnet = (element, props, watch) => {
  const root = element.closest("[id^=input-]") || element;
  const words = props.say;
  const { box, body, count } = folded(element, props.label, Boolean(plain(props.value)));
  let slot = {};
  const put = () => {
    const held = slot.name || slot.image;
    props.value = held ? { ...slot } : null;
    tell();
    root.dispatchEvent(new Event("input"));
  };
  const tell = () => {
    count.textContent = slot.name && slot.image ? "1" : "";
    clear.hidden = !slot.name && !slot.image;
  };
  const clear = make("button", { type: "button", class: "stack-clear" }, words.remove);
  const part = (name, label, field) =>
    make("div", { class: "stack-part", id: `${root.id}-${name}` }, label ? make("span", { class: "field-label" }, label) : "", field);
  const share = (name, label, value, least, most) =>
    part(name, label, amount({
      id: `${root.id}-${name}-number`, label, value, low: 0, high: name === "strength" ? 2 : 1, least, most, step: 0.05,
      changed: (number) => {
        slot[name] = number;
        clearField(byId(`${root.id}-${name}`));
        put();
      },
    }));
  const draw = () => {
    const name = chooser({
      id: `${root.id}-name-field`, label: words.name, value: slot.name || "", options: props.options, words,
      picked: (chosen) => {
        slot.name = chosen;
        clearField(byId(`${root.id}-name`));
        put();
      },
    });
    const image = pictureField({
      id: `${root.id}-image-file`, label: words.image, value: slot.image, words,
      changed: (held) => {
        slot.image = held;
        clearField(byId(`${root.id}-image`));
        put();
      },
    });
    body.replaceChildren(
      part("name", words.model, name),
      part("image", words.image, image),
      share("strength", words.strength, slot.strength ?? 1, props.least, props.most),
      make("div", { class: "stack-pair" },
        share("start_percent", words.start, slot.start_percent ?? 0, 0, 1),
        share("end_percent", words.end, slot.end_percent ?? 1, 0, 1)),
      make("p", { class: "field-hint" }, words.hint),
      clear
    );
    tell();
  };
  clear.addEventListener("click", () => {
    slot = {};
    draw();
    put();
    box.querySelector("summary").focus();
  });
  const take = () => {
    const given = plain(props.value) || {};
    if (JSON.stringify(given) === JSON.stringify(slot)) return;
    slot = given;
    draw();
  };
  watch("value", take);
  slot = plain(props.value) || {};
  draw();
};
