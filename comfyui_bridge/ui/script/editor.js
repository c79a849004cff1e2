/* Templates: the list, the editor, and the form as it will look -------------------------------------- */
{
const editor = {
  root: null, // where it is drawn
  servers: [],
  slug: "", // the template that is open
  opened: null, // what the server said of it
  draft: null,
  based: "", // the version of the card that the draft began with
  unfolded: new Set(), // rows whose fields are shown
  openNodes: new Set(),
  laid: new Map(), // rows that were taken off, should they come back
  wrong: [],
  aside: null, // { draft, based } of one's own while somebody else's is looked at
  wanted: "", // to be opened once the tab is there
  found: null, // what an import found
  form: null, // the form as the draft has it
};

const fill = (key, values = {}) =>
  say(key).replace(/\{(\w+)\}/g, (gap, name) => (name in values ? String(values[name]) : gap));
const copyOf = (value) => JSON.parse(JSON.stringify(value));
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const painted = () => new Promise((done) => setTimeout(done, 30));
const idOf = (row) => `${row.node}.${row.input}`;
const blankRow = (node, input) => ({ node, input, label: "", key: "", group: "", help: "", default: "", min: "", max: "", step: "", choices: null });

const askAtOnce = (ask, told = {}) =>
  answerOf(fetch("library/ask", { method: "POST", body: JSON.stringify({ ...told, ask, lang }), headers: { "Content-Type": "application/json" } }));

/* One question at a time, so that what is saved was opened before it. */
let asking = Promise.resolve();
const askLibrary = (ask, told) => {
  asking = asking.then(() => askAtOnce(ask, told));
  return asking;
};
const answerOf = async (asked) => {
  try {
    return await (await asked).json();
  } catch {
    return { error: say("ed_no_answer") };
  }
};

/* Drafts stay in this browser tab until they are saved or taken back */
const keptDraft = (slug) => {
  try {
    return JSON.parse(sessionStorage.getItem(`bridge.draft.${slug}`));
  } catch {
    return null;
  }
};
const keepDraft = (slug, kept) => {
  try {
    if (kept) sessionStorage.setItem(`bridge.draft.${slug}`, JSON.stringify(kept));
    else sessionStorage.removeItem(`bridge.draft.${slug}`);
  } catch {
    // A browser that keeps nothing, or is full: the draft still stands on the page.
  }
};
const isChanged = () => Boolean(editor.draft && !same(editor.draft, editor.opened.draft));

/* The list */

bridge.shelf = (element, trigger, watch) => {
  editor.lookAgain = () => trigger("look");
  const settle = () => {
    filterShelf(element);
    markShelf();
  };
  element.addEventListener("input", (event) => event.target.matches(".shelf-search") && filterShelf(element));
  element.addEventListener("click", (event) => {
    const row = event.target.closest(".entry");
    if (row) openTemplate(row.dataset.slug);
    else if (event.target.closest(".bring")) bringIn();
  });
  element.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const rows = [...element.querySelectorAll("li:not([hidden]) > .entry")];
    const at = rows.indexOf(document.activeElement);
    if (!rows.length || (at < 0 && !event.target.matches(".shelf-search"))) return;
    event.preventDefault();
    const next = at + (event.key === "ArrowDown" ? 1 : -1);
    if (next < 0) element.querySelector(".shelf-search").focus();
    else rows[Math.min(next, rows.length - 1)].focus();
  });
  watch("value", () => {
    settle();
    followShelf();
  });
  settle();
};

const filterShelf = (root) => {
  const wanted = (root.querySelector(".shelf-search")?.value || "").toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of root.querySelectorAll(".entry")) {
    const fits = wanted.every((word) => row.dataset.said.includes(word));
    row.parentElement.hidden = !fits;
    if (fits) shown += 1;
  }
  const none = root.querySelector(".no-match");
  if (none) none.hidden = shown > 0 || !root.querySelector(".entry");
};

const markShelf = () => {
  for (const row of document.querySelectorAll("#shelf .entry")) {
    const isIt = row.dataset.slug === editor.slug;
    if (isIt) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
    row.querySelector(".unsaved").hidden = !(isIt ? isChanged() : keptDraft(row.dataset.slug));
  }
};

/* Somebody changed the library: what is open and untouched here is shown as it is now. */
const followShelf = async () => {
  const { slug } = editor;
  if (!slug || isChanged() || editor.aside) return;
  const told = await askLibrary("open", { slug });
  if (told.error || editor.slug !== slug || isChanged() || same(told, editor.opened)) return;
  take(told);
};

/* The editor: opening */

bridge.editor = (element, props, watch) => {
  editor.root = element.querySelector(".editor");
  const follow = () => {
    editor.servers = props.value?.servers || [];
    lang = props.value?.lang || lang;
  };
  watch("value", follow);
  follow();
  if (editor.wanted) openTemplate(editor.wanted);
  else if (editor.opened) drawEditor();
  else drawNothing();
};

const openTemplate = async (slug, found = null) => {
  editor.wanted = editor.root ? "" : slug;
  if (!editor.root) return;
  showStep("edit");
  if (slug === editor.slug && editor.opened && !found) {
    drawEditor();
    return;
  }
  keepOpened();
  Object.assign(editor, { slug, opened: null, draft: null, aside: null, found, wrong: [] });
  editor.unfolded.clear();
  editor.openNodes.clear();
  editor.laid.clear();
  markShelf();
  const told = await askLibrary("open", { slug });
  if (editor.slug !== slug) return;
  if (told.error) {
    editor.slug = "";
    drawNothing(told.error);
    return;
  }
  take(told);
  if (matchMedia("(max-width: 1099px)").matches) editor.root?.closest(".column")?.scrollIntoView({ block: "start" });
};

const keepOpened = () => {
  if (editor.slug && editor.draft) keepDraft(editor.slug, isChanged() ? { draft: editor.draft, based: editor.based } : null);
};

/* What the server said of a template becomes what is edited, unless something unsaved was kept. */
const take = (told) => {
  const kept = keptDraft(told.slug);
  editor.opened = told;
  editor.form = told.form;
  editor.draft = copyOf(kept?.draft || told.draft);
  editor.based = kept ? kept.based : told.version;
  editor.wrong = [];
  drawEditor();
  drawPreview();
  if (kept) changed();
};

const drawNothing = (error = "") => {
  editor.root?.replaceChildren(
    make("div", { class: "ed-none" },
      error ? make("p", { class: "notice bad", role: "alert" }, error) : "",
      make("p", { class: "message-title" }, say("ed_choose")),
      make("p", {}, say("ed_choose_hint")),
      make("button", { type: "button", class: "action main", onclick: bringIn }, say("ed_bring"))));
  drawPreview();
};

/* The editor: drawing */

const drawEditor = () => {
  if (!editor.root || !editor.draft) return;
  const { opened } = editor;
  editor.root.replaceChildren(
    drawHead(),
    make("div", { class: "ed-notices" }, ...notices()),
    section("about", say("ed_about"), drawAbout()),
    section("order", say("ed_on_form"), make("div", { class: "ed-order" })),
    opened.tree ? section("tree", say("ed_tree"), make("div", { class: "ed-tree" })) : "",
    make("div", { class: "ed-bar" }));
  drawRows();
  drawTree();
  drawBar();
  drawWrong();
};

/* On a phone one step is unfolded, and the others tell that they are there. */
const section = (name, title, ...children) =>
  make("details", { class: `ed-section ed-${name}-section`, open: name === "order" || !matchMedia("(max-width: 719px)").matches }, make("summary", {}, make("h2", {}, title)), ...children);

const drawHead = () => {
  const { slug, opened } = editor;
  const tool = (words, act, more = {}) => make("button", { type: "button", class: "action", onclick: act, ...more }, words);
  return make("div", { class: "ed-head" },
    make("button", { type: "button", class: "back", onclick: () => showStep("choose") }, say("ed_all")),
    make("h1", {}, editor.draft.title || slug),
    make("div", { class: "ed-slug" }, slug),
    make("div", { class: "ed-tools" },
      make("button", { type: "button", class: "action main", onclick: () => useIt(slug) }, say("ed_use")),
      tool(say("ed_duplicate"), duplicate),
      tool(say("ed_rename"), rename),
      make("a", { class: "action", href: opened.download, download: `${slug}.zip`, title: say("ed_export_hint") }, say("ed_export")),
      tool(say("ed_delete"), remove)));
};

const useIt = (slug) => {
  openTab("create");
  const card = [...document.querySelectorAll("#library .card")].find((one) => one.dataset.slug === slug);
  card?.click();
};

const notices = () => {
  const { opened, found, aside } = editor;
  const shown = [];
  if (aside) shown.push(asideNotice());
  if (opened.error_in_workflow) shown.push(make("p", { class: "notice bad", role: "alert" }, opened.error_in_workflow));
  if (opened.unreadable)
    shown.push(make("p", { class: "notice bad", role: "alert" }, make("b", {}, say("ed_unreadable")), ` ${opened.unreadable} `, say("ed_unreadable_hint")));
  if (opened.problems.length)
    shown.push(make("details", { class: "notice", open: true }, make("summary", {}, say("ed_card_wrong")), make("ul", {}, ...opened.problems.map((said) => make("li", {}, said)))));
  if (found) shown.push(foundNotice(found));
  return shown;
};

const foundNotice = (found) =>
  make("div", { class: "notice good", role: "status" },
    make("button", { type: "button", class: "shut", "aria-label": say("close"), onclick: (event) => {
      editor.found = null;
      event.currentTarget.parentElement.remove();
    } }, "×"),
    make("p", {}, make("b", {}, say("ed_added")), " ", found.found.length ? fill("ed_found", { count: found.found.length }) : say(found.has_form ? "ed_found_none" : "ed_found_nothing")),
    found.found.length ? make("dl", {}, ...found.found.flatMap((one) => [make("dt", {}, one.label), make("dd", {}, one.why)])) : "");

const asideNotice = () =>
  make("div", { class: "notice", role: "status" },
    make("p", {}, say("ed_theirs_shown")),
    make("button", { type: "button", class: "action", onclick: () => {
      const { draft } = editor.aside;
      editor.aside = null;
      editor.draft = draft;
      changed();
      drawEditor();
    } }, say("ed_back_to_mine")));

const drawAbout = () => {
  const { draft } = editor;
  const field = (name, attributes = {}) => {
    const tag = name === "description" ? "textarea" : "input";
    const control = make(tag, { class: "ed-control", id: `ed-${name}`, "data-field": name, autocomplete: "off", ...attributes });
    control.value = name === "tags" ? draft.tags.join(", ") : draft[name];
    control.addEventListener("input", () => {
      draft[name] = name === "tags" ? [...new Set(control.value.split(/[,，]/).map((one) => one.trim()).filter(Boolean))] : control.value;
      if (name === "title") setText(editor.root.querySelector("h1"), control.value || editor.slug);
      changed();
    });
    return make("div", { class: "ed-field", "data-wrong": `.${name}` }, make("label", { for: `ed-${name}` }, say(`ed_${name}`)), control);
  };
  return make("div", { class: "ed-about" }, drawCover(), make("div", { class: "ed-fields" }, field("title"), field("description", { rows: 2 }), field("tags", { placeholder: say("ed_tags_hint") })));
};

const drawCover = () => {
  const { opened } = editor;
  return make("div", { class: "ed-cover" },
    make("div", { class: "small-cover", "data-letter": (editor.draft.title || editor.slug).slice(0, 1).toUpperCase() },
      opened.cover ? make("img", { src: opened.cover, alt: say("ed_cover") }) : ""),
    make("button", { type: "button", class: "link", onclick: chooseCover }, say(opened.cover ? "ed_cover_change" : "ed_cover_choose")));
};

/* The rows: what is on the form, in its order */

const ownOf = (row) => editor.opened.tree?.inputs[idOf(row)];
const nodeOf = (id) => editor.opened.tree?.nodes.find((node) => node.id === id);
const nameOf = (row) => row.label || ownOf(row)?.label || idOf(row);

const drawRows = () => {
  const box = editor.root?.querySelector(".ed-order");
  if (!box) return;
  const { draft } = editor;
  const list = make("ol", { class: "ed-rows", "aria-label": say("ed_on_form") }, ...draft.rows.map(drawRow));
  box.replaceChildren(
    make("p", { class: "ed-hint" }, say(draft.by_itself ? "ed_by_itself" : "ed_by_hand"), " ",
      draft.by_itself ? "" : make("button", { type: "button", class: "link", onclick: byItself }, say("ed_let_it"))),
    list);
  drawWrong();
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
  draft.by_itself = !draft.rows.length || (opened.draft.by_itself && same(draft.rows, opened.usual));
  if (!draft.rows.length) draft.rows = copyOf(opened.usual);
  changed();
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

/* The tree: everything in the workflow */

const drawTree = () => {
  const box = editor.root?.querySelector(".ed-tree");
  if (!box) return;
  const { tree } = editor.opened;
  const search = make("input", { type: "search", class: "shelf-search", placeholder: say("ed_find_input"), "aria-label": say("ed_find_input") });
  const list = make("ul", { class: "ed-nodes" }, ...tree.nodes.map(drawNode));
  search.addEventListener("input", () => filterTree(list, search.value));
  box.replaceChildren(make("p", { class: "ed-hint" }, say("ed_tree_hint")), tree.nodes.length > 6 ? search : "", list);
  drawTicks();
};

const drawNode = (node) => {
  const inputs = make("ul", { class: "ed-inputs" });
  const fold = make("details", { class: "ed-node", "data-said": `${node.title} ${node.class_type} ${node.id} ${node.inputs.join(" ")}`.toLowerCase(), "data-node": node.id },
    make("summary", {}, make("span", { class: "name" }, node.title), make("span", { class: "where" }, node.class_type === node.title ? `#${node.id}` : `${node.class_type} · #${node.id}`), make("span", { class: "count" })),
    inputs);
  // Drawn when it is opened, for a workflow may have thousands.
  const draw = () => {
    if (inputs.childNodes.length) return;
    for (const id of node.inputs) inputs.append(drawInput(id));
    if (node.linked.length) inputs.append(make("li", { class: "ed-linked" }, fill("ed_linked", { names: node.linked.join(", ") })));
    drawTicks();
  };
  fold.addEventListener("toggle", () => {
    if (fold.open) draw();
    editor.openNodes[fold.open ? "add" : "delete"](node.id);
  });
  if (editor.openNodes.has(node.id)) fold.open = true;
  return make("li", {}, fold);
};

const drawInput = (id) => {
  const own = editor.opened.tree.inputs[id];
  const control = make("input", { type: "checkbox", "data-place": id, "aria-description": own.why });
  control.addEventListener("change", () => tick(own.node, own.input, control.checked));
  return make("li", {}, make("label", { class: "ed-check", title: own.why }, control, make("span", { class: "name" }, own.input), make("span", { class: "value" }, own.value), make("span", { class: "type" }, own.type)));
};

const drawTicks = () => {
  const on = new Set(editor.draft.rows.map(idOf));
  for (const control of editor.root?.querySelectorAll(".ed-inputs input[type=checkbox]") || []) control.checked = on.has(control.dataset.place);
  for (const fold of editor.root?.querySelectorAll(".ed-node") || []) {
    const node = nodeOf(fold.dataset.node);
    const ticked = node.inputs.filter((id) => on.has(id)).length;
    setText(fold.querySelector(".count"), node.inputs.length ? fill("ed_count", { count: ticked, all: node.inputs.length }) : "");
    fold.classList.toggle("has-ticked", ticked > 0);
  }
};

const filterTree = (list, text) => {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const fold of list.querySelectorAll(".ed-node")) {
    fold.parentElement.hidden = !wanted.every((word) => fold.dataset.said.includes(word));
    if (wanted.length && !fold.parentElement.hidden) fold.open = true;
  }
};

/* What is wrong stands at its field */

const drawWrong = () => {
  if (!editor.root) return;
  for (const old of editor.root.querySelectorAll(".field-error")) old.remove();
  for (const one of editor.root.querySelectorAll(".is-wrong")) one.classList.remove("is-wrong");
  for (const { place, field, said } of editor.wrong) {
    const box = [...editor.root.querySelectorAll("[data-wrong]")].find((one) => one.dataset.wrong === `${place}.${field}`);
    if (box) {
      box.classList.add("is-wrong");
      box.append(make("p", { class: "field-error", role: "alert" }, said));
    } else rowElement(place)?.classList.add("is-wrong");
  }
};

const showWrong = () => {
  const [first] = editor.wrong;
  if (!first) return;
  for (const { place } of editor.wrong) if (place) editor.unfolded.add(place);
  drawRows();
  const box = editor.root.querySelector(".ed-field.is-wrong");
  box?.scrollIntoView({ block: "center", behavior: calm() ? "auto" : "smooth" });
  box?.querySelector("input, textarea, select")?.focus({ preventScroll: true });
};

/* Saving */

let looking = 0;
const changed = () => {
  keepOpened();
  drawBar();
  markShelf();
  clearTimeout(looking);
  looking = setTimeout(async () => {
    const { slug, draft } = editor;
    if (!slug) return;
    const told = await askLibrary("check", { slug, draft });
    if (editor.slug !== slug || told.error) return;
    editor.wrong = told.wrong;
    editor.form = told.form;
    drawWrong();
    drawPreview();
  }, 200);
};

const drawBar = (said = "", tone = "") => {
  const bar = editor.root?.querySelector(".ed-bar");
  if (!bar) return;
  const is = isChanged();
  bar.dataset.changed = is ? "yes" : "no";
  const save = make("button", { type: "button", class: "action save", disabled: !is, onclick: () => saveCard() }, say("ed_save"));
  const revert = make("button", { type: "button", class: "action", disabled: !is, onclick: revertCard }, say("ed_revert"));
  const had = bar.contains(document.activeElement) && document.activeElement.className;
  bar.replaceChildren(make("p", { class: "ed-state", role: "status", "data-tone": tone || null }, said || say(is ? "ed_unsaved_changes" : "ed_all_saved")), revert, save);
  if (had) bar.querySelector(`.${had.split(" ").join(".")}`)?.focus();
};

const saveCard = async (more = {}) => {
  const { slug, draft } = editor;
  drawBar(say("ed_saving"));
  const told = await askLibrary("save", { slug, draft, version: editor.based, ...more });
  if (editor.slug !== slug) return;
  if (told.saved) {
    keepDraft(slug, null);
    editor.aside = null;
    editor.found = null;
    const untouched = same(draft, editor.draft);
    editor.opened = told;
    editor.form = told.form;
    editor.based = told.version;
    if (untouched) editor.draft = copyOf(told.draft);
    editor.wrong = [];
    closeAsk();
    redraw();
    drawPreview();
    drawBar(...(untouched ? [say("ed_saved"), "good"] : []));
    keepOpened();
    markShelf();
    editor.lookAgain?.();
  } else if (told.theirs) askAboutTheirs(told);
  else if (told.replaceable) askAboutReplacing(told.replaceable);
  else if (told.wrong?.length) {
    editor.wrong = told.wrong;
    showWrong();
    drawBar(say("ed_not_saved_fields"), "bad");
  } else drawBar(told.error, "bad");
};

/* Drawn anew, and yet where one was. */
const redraw = () => {
  const pane = editor.root.closest(".column");
  const top = pane.scrollTop;
  const unfolded = [...editor.root.querySelectorAll(".ed-section[open]")].map((one) => one.className);
  drawEditor();
  for (const one of editor.root.querySelectorAll(".ed-section")) one.open = unfolded.includes(one.className);
  pane.scrollTop = top;
};

const revertCard = () => {
  keepDraft(editor.slug, null);
  editor.draft = copyOf(editor.opened.draft);
  editor.form = editor.opened.form;
  editor.based = editor.opened.version;
  editor.aside = null;
  editor.wrong = [];
  redraw();
  drawPreview();
  drawBar(say("ed_reverted"));
  markShelf();
};

/* A question that stands above all else in the editor until it is answered. */
const askAbove = (name, title, ...children) => {
  closeAsk();
  const box = make("div", { class: `ed-ask ed-ask-${name}`, role: "alertdialog", "aria-label": title }, make("h2", {}, title), ...children);
  editor.root.prepend(box);
  box.scrollIntoView({ block: "nearest" });
  box.querySelector("button, input, textarea")?.focus({ preventScroll: true });
  return box;
};
const closeAsk = () => editor.root?.querySelector(".ed-ask")?.remove();
const answer = (words, act, main = false) => make("button", { type: "button", class: main ? "action main" : "action", onclick: act }, words);
const cancel = () => answer(say("ed_cancel"), () => {
  closeAsk();
  drawBar();
});

const askAboutTheirs = ({ theirs, differences }) => {
  drawBar(say("ed_not_saved"), "bad");
  askAbove("theirs", say("ed_meanwhile"),
    make("p", {}, say("ed_meanwhile_hint")),
    differences.length ? make("ul", { class: "ed-differences" }, ...differences.map((line) => make("li", {}, line))) : make("p", {}, say("ed_no_differences")),
    make("div", { class: "action-row" },
      answer(say("ed_load_theirs"), () => {
        editor.aside = { draft: editor.draft };
        keepDraft(editor.slug, null);
        editor.opened = theirs;
        editor.form = theirs.form;
        editor.draft = copyOf(theirs.draft);
        editor.based = theirs.version;
        drawEditor();
        drawPreview();
        markShelf();
      }, true),
      answer(say("ed_save_over"), () => saveCard({ version: theirs.version })),
      cancel()));
};

const askAboutReplacing = (why) => {
  drawBar(say("ed_not_saved"), "bad");
  askAbove("replace", say("ed_replace"), make("p", {}, why), make("div", { class: "action-row" }, answer(say("ed_replace_it"), () => saveCard({ replaces: true }), true), cancel()));
};

/* A template as a whole */

const duplicate = async () => {
  const told = await askLibrary("duplicate", { slug: editor.slug });
  if (told.error) return drawBar(told.error, "bad");
  editor.lookAgain?.();
  return openTemplate(told.slug);
};

const rename = () => {
  const control = make("input", { class: "ed-control", id: "ed-new-name", autocomplete: "off", spellcheck: "false" });
  control.value = editor.slug;
  const go = async () => {
    const { slug } = editor;
    const told = await askLibrary("rename", { slug, name: control.value });
    if (told.error) {
      askAboveSays(told.error);
      return;
    }
    const kept = keptDraft(slug);
    keepDraft(slug, null);
    keepDraft(told.slug, kept);
    Object.assign(editor, { slug: "", opened: null, draft: null });
    editor.lookAgain?.();
    openTemplate(told.slug);
  };
  control.addEventListener("keydown", (event) => event.key === "Enter" && go());
  askAbove("rename", say("ed_rename_title"), make("p", {}, say("ed_rename_hint")), make("div", { class: "ed-field" }, make("label", { for: "ed-new-name" }, say("ed_new_name")), control), make("div", { class: "action-row" }, answer(say("ed_rename"), go, true), cancel()));
  control.focus();
  control.select();
};
const askAboveSays = (said) => {
  const box = editor.root.querySelector(".ed-ask");
  box?.querySelector(".field-error")?.remove();
  box?.append(make("p", { class: "field-error", role: "alert" }, said));
};

const remove = async () => {
  const { slug } = editor;
  const told = await askLibrary("delete", { slug });
  if (told.error) return drawBar(told.error, "bad");
  Object.assign(editor, { slug: "", opened: null, draft: null, aside: null });
  drawNothing();
  showStep("choose");
  editor.lookAgain?.();
  markShelf();
  return tell(fill("ed_deleted", { title: told.title }), say("ed_undo"), async (line) => {
    const back = await askLibrary("restore", { token: told.token });
    line.remove();
    if (back.error) tell(back.error);
    else {
      editor.lookAgain?.();
      openTemplate(back.slug);
    }
  });
};

/* A line that stays until it is answered or put away. */
const tell = (said, words = "", act = null) => {
  let lines = byId("ed-told");
  if (!lines) {
    lines = make("div", { id: "ed-told", role: "status" });
    byId("templates").append(lines);
  }
  const line = make("div", { class: "ed-told" }, make("p", {}, said));
  if (act) line.append(make("button", { type: "button", class: "link", onclick: () => act(line) }, words));
  line.append(make("button", { type: "button", class: "shut", "aria-label": say("close"), onclick: () => line.remove() }, "×"));
  lines.append(line);
};

/* Covers */

const chooseCover = async () => {
  const { slug } = editor;
  const pictures = make("ul", { class: "ed-results" }, make("li", { class: "ed-hint" }, say("ed_loading")));
  const file = make("input", { type: "file", accept: "image/*", class: "off-screen", id: "ed-cover-file" });
  const done = (told) => {
    if (told.error) return askAboveSays(told.error);
    editor.opened.cover = told.cover;
    closeAsk();
    editor.root.querySelector(".ed-cover")?.replaceWith(drawCover());
    return editor.lookAgain?.();
  };
  file.addEventListener("change", async () => {
    const [picture] = file.files;
    if (picture) done(await answerOf(fetch(`library/${encodeURIComponent(slug)}/cover?lang=${lang}`, { method: "POST", body: picture })));
  });
  askAbove("cover", say("ed_cover_title"), pictures, make("div", { class: "action-row" }, file, make("label", { class: "action", for: "ed-cover-file" }, say("ed_cover_file")), cancel()));
  const told = await askAtOnce("results", { slug });
  const shownNow = (told.results || []).map((one) =>
    make("li", {}, make("button", { type: "button", class: "tile", "aria-label": fill("ed_cover_from", { title: one.title }), onclick: async () => done(await askLibrary("cover", { slug, run: one.run, name: one.name })) },
      make("span", { class: "thumb" }, make("img", { src: one.url, alt: "", loading: "lazy" })))));
  pictures.replaceChildren(...(shownNow.length ? shownNow : [make("li", { class: "ed-hint" }, told.error || say("ed_no_results"))]));
};

/* Bringing in */

const bringIn = () => {
  keepOpened();
  Object.assign(editor, { slug: "", opened: null, draft: null, aside: null, found: null });
  markShelf();
  showStep("edit");
  drawPreview();
  const file = make("input", { type: "file", id: "ed-files", class: "off-screen", multiple: true });
  file.addEventListener("change", () => bringFiles([...file.files]));
  const paste = make("textarea", { class: "ed-control", id: "ed-paste", rows: 5, spellcheck: "false", placeholder: say("ed_paste_hint") });
  const pasted = () => !paste.value.trim() ? paste.focus() : bringFiles([new File([paste.value], "pasted.json", { type: "application/json" })]);
  editor.root.replaceChildren(make("div", { class: "ed-bring" },
    make("div", { class: "ed-head" }, make("button", { type: "button", class: "back", onclick: () => showStep("choose") }, say("ed_all")), make("h1", {}, say("ed_bring_title"))),
    make("div", { class: "ed-brought", role: "alert" }),
    make("label", { class: "ed-drop", for: "ed-files" }, make("b", {}, say("ed_drop")), make("span", {}, say("ed_drop_hint"))), file,
    make("div", { class: "ed-field" }, make("label", { for: "ed-paste" }, say("ed_paste")), paste, make("div", { class: "action-row" }, make("button", { type: "button", class: "action", onclick: pasted }, say("ed_paste_go")))),
    make("div", { class: "ed-field" }, make("p", { class: "ed-label" }, say("ed_from_server")),
      make("div", { class: "action-row" }, ...editor.servers.map((server) => make("button", { type: "button", class: "action", onclick: () => showOffers(server) }, server))),
      make("div", { class: "ed-offers" }))));
};

const brought = (...children) => {
  const box = editor.root?.querySelector(".ed-brought");
  box?.replaceChildren(...children);
  box?.scrollIntoView({ block: "nearest" });
};

const intake = (file, anyway) =>
  answerOf(fetch(`library/intake?${new URLSearchParams({ name: file.name, lang, ...(anyway ? { anyway: "1" } : {}) })}`, { method: "POST", body: file }));

const bringFiles = async (files, anyway = false) => {
  if (!editor.root?.querySelector(".ed-brought")) bringIn();
  let last = null;
  for (const file of files) {
    brought(make("p", { class: "ed-hint" }, fill("ed_reading", { name: file.name })));
    const told = await intake(file, anyway);
    if (told.error) {
      refuse(file.name, told, () => bringFiles([file], true));
      return;
    }
    last = told;
  }
  if (last) arrived(last);
};

const refuse = (name, told, again) =>
  brought(make("div", { class: "notice bad" }, make("b", {}, fill("ed_refused", { name })), make("p", {}, told.error), told.help ? make("p", {}, told.help) : "",
    told.could ? make("button", { type: "button", class: "action", onclick: again }, say("ed_anyway")) : ""));

const arrived = (told) => {
  editor.lookAgain?.();
  openTemplate(told.slug, told);
};

const showOffers = async (server) => {
  const box = editor.root.querySelector(".ed-offers");
  box.replaceChildren(make("p", { class: "ed-hint" }, say("ed_loading")));
  const told = await askAtOnce("offers", { server });
  if (told.error) {
    box.replaceChildren(make("p", { class: "notice bad", role: "alert" }, told.error));
    return;
  }
  const search = make("input", { type: "search", class: "shelf-search", placeholder: say("ed_find_offer"), "aria-label": say("ed_find_offer") });
  const list = make("ul", { class: "ed-offered", "aria-label": server });
  const draw = () => {
    const wanted = search.value.toLowerCase();
    const fits = told.offers.filter((one) => `${one.title || ""} ${one.name}`.toLowerCase().includes(wanted));
    list.replaceChildren(...fits.slice(0, 300).map((one) => drawOffer(server, one)));
    if (!fits.length) list.append(make("li", { class: "ed-hint" }, say(told.offers.length ? "no_match_offer" : "ed_no_offers")));
  };
  search.addEventListener("input", draw);
  draw();
  box.replaceChildren(told.offers.length > 8 ? search : "", list);
};

const drawOffer = (server, one) =>
  make("li", {}, make("button", { type: "button", class: "ed-offer", onclick: () => takeOffer(server, one) }, make("span", { class: "name" }, one.title || one.name), make("span", { class: "where" }, say(one.what === "workflow" ? "ed_saved_workflow" : "ed_offered_template"))));

const takeOffer = async (server, one, anyway = false) => {
  brought(make("p", { class: "ed-hint" }, fill("ed_reading", { name: one.name })));
  const told = await askAtOnce("take", { server, anyway, what: one.what, name: one.name, source: one.source || "" });
  if (told.error) refuse(one.name, told, () => takeOffer(server, one, true));
  else arrived(told);
};

/* Files dropped where templates are: here, and on the library of Create */

const holdsFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
const target = (event) => (holdsFiles(event) ? event.target.closest?.("#templates, #library-pane") : null);
const markOver = (over) => {
  for (const one of document.querySelectorAll(".is-over")) if (one !== over) one.classList.remove("is-over");
  over?.classList.add("is-over");
};
document.addEventListener("dragover", (event) => {
  const over = target(event);
  markOver(over);
  if (over) event.preventDefault();
});
document.addEventListener("dragleave", (event) => !event.relatedTarget && markOver(null));
document.addEventListener("drop", (event) => {
  const over = target(event);
  markOver(null);
  if (!over) return;
  event.preventDefault();
  bringFromAnywhere([...event.dataTransfer.files]);
});

const bringFromAnywhere = async (files) => {
  openTab("templates");
  const patience = Date.now() + 10000;
  while (!editor.root && Date.now() < patience) await painted();
  if (editor.root) bringFiles(files);
};

/* The form as it will look: drawn as the form on Create is, and sent nowhere. */

const sheet = newSheet("sketch-");
let preview = null;

bridge.preview = (element) => {
  preview = element;
  drawPreview();
};

const drawPreview = () => {
  const { draft, opened, form } = editor;
  if (!preview) return;
  const [head, body] = preview.querySelectorAll(".preview-head, .form-body");
  preview.dataset.slug = draft && form ? editor.slug : "";
  if (!draft || !form) {
    head.replaceChildren(opened?.error_in_workflow ? make("p", { class: "ed-hint" }, say("ed_no_preview")) : "");
    body.replaceChildren();
    sheet.slug = "";
    return;
  }
  head.replaceChildren(make("h3", {}, draft.title || editor.slug), draft.description ? make("p", {}, draft.description) : "");
  sheet.since.clear(); // what a draft begins with is shown, and not what somebody tried
  drawSheet(sheet, body, { ...form, head: "" });
};

/* Narrow pages show one step at a time: choose, then edit. */
const showStep = (name) => {
  const root = byId("templates");
  if (root) root.dataset.step = name;
};

document.addEventListener("click", (event) => {
  const edit = event.target.closest("[data-edit]");
  if (!edit) return;
  openTab("templates");
  openTemplate(edit.dataset.edit);
});

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s" && editor.root?.offsetParent && editor.draft) {
    event.preventDefault();
    if (isChanged()) saveCard();
  }
});
}
