/* The rows: what is on the form, in its order */

const ownOf = (row) => editor.opened.tree?.inputs[idOf(row)];
const nodeOf = (id) => editor.opened.tree?.nodes.find((node) => node.id === id);
const nameOf = (row) => row.label || ownOf(row)?.label || idOf(row);

const drawRows = () => {
  const box = editor.root?.querySelector(".ed-order");
  if (!box) return;
  const { draft } = editor;
  const list = make("ol", { class: "ed-rows", "aria-label": say("ed_on_form") }, ...draft.rows.map(drawRow));
  box.replaceChildren(saidOfRows(), list);
  drawWrong();
};

const saidOfRows = () => {
  const { by_itself: alone } = editor.draft;
  const back = alone ? "" : make("button", { type: "button", class: "link", onclick: byItself }, say("ed_let_it"));
  return make("p", { class: "ed-hint ed-whose" }, say(alone ? "ed_by_itself" : "ed_by_hand"), " ", back);
};

const drawRow = (row, index) => {
  const id = idOf(row);
  const isOpen = editor.unfolded.has(id);
  const own = ownOf(row);
  const count = editor.draft.rows.length;
  const name = nameOf(row);
  const button = (kind, words, text, act, off = false) =>
    make("button", { type: "button", class: kind, "aria-label": `${words}: ${name}`, title: words, disabled: off, onclick: act }, text);
  const place = make("input", { class: "place", inputmode: "numeric", "aria-label": `${say("ed_place")}: ${name}`, value: index + 1 });
  place.addEventListener("change", () => moveRow(id, Number.parseInt(place.value, 10) - 1, ".place"));
  place.addEventListener("keydown", (event) => {
    if (event.key === "Enter") place.blur();
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      moveRow(id, index + (event.key === "ArrowUp" ? -1 : 1), ".place");
    }
  });
  const handle = make("span", { class: "handle", title: say("ed_drag"), "aria-hidden": "true" });
  handle.addEventListener("pointerdown", (event) => drag(event, id));
  const fold = make("button", { type: "button", class: "fold", "aria-expanded": String(isOpen), onclick: () => {
    if (!editor.unfolded.delete(id)) editor.unfolded.add(id);
    redrawRow(id, ".fold");
  } }, make("span", { class: "name" }, name), make("span", { class: "where" }, own ? `${nodeOf(own.node)?.title ?? own.node} · ${row.input}` : id));
  return make("li", { class: "ed-row", "data-place": id, "data-open": isOpen ? "yes" : null },
    make("div", { class: "ed-line" }, handle, place, fold,
      groupPill(row),
      button("arrow up", say("ed_up"), "", () => moveRow(id, index - 1, ".up"), index === 0),
      button("arrow down", say("ed_down"), "", () => moveRow(id, index + 1, ".down"), index === count - 1),
      button("off", say("ed_take_off"), "×", () => tick(row.node, row.input, false))),
    isOpen ? drawFields(row, own) : "");
};

const redrawRow = (id, focus) => {
  const index = editor.draft.rows.findIndex((row) => idOf(row) === id);
  const old = rowElement(id);
  if (index < 0 || !old) return;
  old.replaceWith(drawRow(editor.draft.rows[index], index));
  drawWrong();
  if (focus) rowElement(id).querySelector(focus)?.focus();
};

const rowElement = (id) => [...(editor.root?.querySelectorAll(".ed-row") || [])].find((one) => one.dataset.place === id);

const drawFields = (row, own) => {
  const id = idOf(row);
  if (!own) return make("p", { class: "notice bad" }, fill("ed_row_gone", { place: id }));
  const field = (name, control, hint = "") => {
    const controlId = `ed-${name}-${id}`;
    (control.matches("input, textarea, select") ? control : control.querySelector("input, textarea, select"))?.setAttribute("id", controlId);
    return make("div", { class: `ed-field ed-${name}-field`, "data-wrong": `${id}.${name}` }, make("label", { for: controlId }, say(`ed_field_${name}`)), control, hint ? make("p", { class: "ed-hint" }, hint) : "");
  };
  const text = (name, placeholder, tag = "input") => {
    const control = make(tag, { class: "ed-control", placeholder, autocomplete: "off", rows: tag === "textarea" ? 3 : null });
    control.value = row[name];
    control.addEventListener("input", () => {
      row[name] = control.value;
      changed();
      if (name === "label") setText(rowElement(id).querySelector(".name"), nameOf(row));
    });
    return control;
  };
  const [least, most, step] = own.limits;
  const fields = [field("label", text("label", own.label)), field("group", groupOf(row), say("ed_group_hint"))];
  fields.push(field("help", text("help", own.help || say("ed_help_none"))));
  let start = ["other", "many"].includes(own.kind) ? null : field("default", defaultOf(row, own, text));
  const restart = () => {
    if (!start) return;
    const next = field("default", defaultOf(row, own, text));
    start.replaceWith(next);
    start = next;
  };
  if (start) fields.push(start);
  if (own.kind === "number")
    fields.push(make("div", { class: "ed-three" }, field("min", text("min", least || "–")), field("max", text("max", most || "–")), field("step", text("step", step || "–"))));
  if (own.kind === "choice" || own.kind === "many") fields.push(field("choices", choicesOf(row, own, restart)));
  if (own.type === "STRING") fields.push(field("choices", linesOf(row, restart), say("ed_lines_hint")));
  fields.push(field("key", text("key", own.key), say("ed_key_hint")));
  return make("div", { class: "ed-fields" }, ...fields, make("p", { class: "ed-why" }, `${own.type} · ${own.why}`));
};

const groupPill = (row) => (row.group ? make("span", { class: "pill", title: say("ed_group_pill") }, row.group) : "");

const groupOf = (row) => {
  const groups = [...new Set(editor.draft.rows.map((one) => one.group).filter(Boolean))];
  const list = `ed-groups-${idOf(row)}`;
  const control = make("input", { class: "ed-control", placeholder: say("ed_group_none"), list, autocomplete: "off" });
  control.value = row.group;
  control.addEventListener("input", () => {
    row.group = control.value;
    changed();
    rowElement(idOf(row)).querySelector(".ed-line .pill")?.remove();
    rowElement(idOf(row)).querySelector(".fold").after(groupPill(row));
  });
  return make("div", {}, control, make("datalist", { id: list }, ...groups.map((group) => make("option", { value: group }))));
};

const defaultOf = (row, own, text) => {
  const options = own.kind === "switch" ? ["true", "false"] : row.choices || editor.opened.tree.lists[own.list];
  if (!options) return text("default", own.value, own.kind === "text" ? "textarea" : "input");
  const usual = fill("ed_default_own", { value: shown(own, own.value) || "–" });
  const listed = row.default && !options.includes(row.default) ? [row.default, ...options] : options;
  const control = make("select", { class: "ed-control" }, make("option", { value: "" }, usual), ...listed.map((option) => make("option", { value: option }, shown(own, option))));
  control.value = row.default;
  control.addEventListener("change", () => {
    row.default = control.value;
    changed();
  });
  return control;
};

const shown = (own, value) => (own.kind === "switch" ? say(value === "true" ? "ed_on" : "ed_off") : value);

/* Which of a server's choices the form offers: all, or those that are ticked. */
const choicesOf = (row, own, restart) => {
  const offered = editor.opened.tree.lists[own.list] || [];
  const all = [...new Set([...offered, ...(row.choices || [])])];
  const box = make("div", { class: "ed-choices" });
  const few = make("div", { class: "ed-few", hidden: row.choices === null });
  const draw = () => {
    few.hidden = row.choices === null;
    if (few.hidden) return;
    const search = make("input", { type: "search", class: "ed-control", placeholder: say("ed_find_choice"), "aria-label": say("ed_find_choice") });
    const list = make("div", { class: "ed-list" });
    const fillList = () => {
      const wanted = search.value.toLowerCase();
      const fits = all.filter((choice) => choice.toLowerCase().includes(wanted)).slice(0, 200);
      list.replaceChildren(...fits.map((choice) => check(choice, row.choices.includes(choice), (on) => {
        row.choices = all.filter((one) => (one === choice ? on : row.choices.includes(one)));
        changed();
        restart();
      })));
    };
    search.addEventListener("input", fillList);
    fillList();
    const none = make("button", { type: "button", class: "link", onclick: () => {
      row.choices = [];
      changed();
      fillList();
    } }, say("ed_untick_all"));
    few.replaceChildren(make("div", { class: "ed-find" }, all.length > 12 ? search : "", none), list);
  };
  const every = check(say("ed_all_choices"), row.choices === null, (on) => {
    row.choices = on ? null : [...all];
    changed();
    restart();
    draw();
  });
  draw();
  box.append(every, few);
  return box;
};

/* A text of which only some are meant. */
const linesOf = (row, restart) => {
  const control = make("textarea", { class: "ed-control", rows: 2, placeholder: say("ed_lines_none") });
  control.value = (row.choices || []).join("\n");
  control.addEventListener("input", () => {
    const lines = control.value.split("\n").map((line) => line.trim()).filter(Boolean);
    row.choices = lines.length ? [...new Set(lines)] : null;
    changed();
    restart();
  });
  return control;
};

const check = (words, on, act) => {
  const control = make("input", { type: "checkbox" });
  control.checked = on;
  control.addEventListener("change", () => act(control.checked));
  return make("label", { class: "ed-check" }, control, make("span", {}, words));
};

/* Order */

const moveRow = (id, to, focus) => {
  const { rows } = editor.draft;
  const from = rows.findIndex((row) => idOf(row) === id);
  const goal = Math.max(0, Math.min(rows.length - 1, Number.isNaN(to) ? from : to));
  if (from < 0) return;
  rows.splice(goal, 0, ...rows.splice(from, 1));
  byHand();
  drawRows();
  const moved = rowElement(id);
  const control = moved?.querySelector(focus);
  (control?.disabled ? moved.querySelector(".place") : control)?.focus({ preventScroll: true });
  moved?.scrollIntoView({ block: "nearest" });
};

const drag = (event, id) => {
  if (event.button !== 0) return;
  event.preventDefault();
  const list = rowElement(id).parentElement;
  const row = rowElement(id);
  const handle = event.target;
  handle.setPointerCapture(event.pointerId);
  row.classList.add("is-dragged");
  const move = (at) => {
    const others = [...list.children].filter((one) => one !== row);
    const next = others.find((one) => {
      const box = one.getBoundingClientRect();
      return at.clientY < box.top + box.height / 2;
    });
    if (next !== row.nextElementSibling) list.insertBefore(row, next || null);
  };
  const drop = () => {
    handle.removeEventListener("pointermove", move);
    const to = [...list.children].indexOf(row);
    row.classList.remove("is-dragged");
    moveRow(id, to, ".place");
  };
  handle.addEventListener("pointermove", move);
  handle.addEventListener("pointerup", drop, { once: true });
  handle.addEventListener("pointercancel", drop, { once: true });
};

const byHand = () => {
  const { draft, opened } = editor;
  if (!draft.rows.length) Object.assign(draft, { rows: copyOf(opened.usual), by_itself: true });
  changed();
};

/* Rows that are in any way other than the usual ones are somebody's own, and are written into the card. */
const settleWhose = () => {
  const { draft, opened } = editor;
  const isUsual = same(draft.rows, opened.usual);
  const alone = isUsual && (draft.by_itself || opened.draft.by_itself);
  if (alone === draft.by_itself) return;
  draft.by_itself = alone;
  editor.root?.querySelector(".ed-whose")?.replaceWith(saidOfRows());
};

const byItself = () => {
  editor.draft.rows = copyOf(editor.opened.usual);
  editor.draft.by_itself = true;
  changed();
  drawRows();
  drawTree();
};

const tick = (node, input, on) => {
  const { rows } = editor.draft;
  const id = `${node}.${input}`;
  const at = rows.findIndex((row) => idOf(row) === id);
  if (on && at < 0) rows.push(editor.laid.get(id) || blankRow(node, input));
  if (!on && at >= 0) editor.laid.set(id, ...rows.splice(at, 1));
  byHand();
  drawRows();
  drawTicks();
};
