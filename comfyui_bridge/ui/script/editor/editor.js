/* Templates: the list, the editor, and the form as it will look -------------------------------------- */
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
    shelf = renewed(shelf, element.querySelector(".rows"));
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
    const rows = [...element.querySelectorAll("li > .entry")];
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
  editor.lookAgain();
};

let shelf = null; // its rows, those that are not on the page too

const filterShelf = (root) => {
  if (!shelf) return;
  const wanted = (root.querySelector(".shelf-search")?.value || "").toLowerCase().split(/\s+/).filter(Boolean);
  const fits = ({ said }) => wanted.every((word) => said.includes(word));
  const shown = shelf.show((row) => fits(row.firstElementChild.dataset), shelf.first);
  shelf.first = undefined;
  const none = root.querySelector(".no-match");
  if (none) none.hidden = shown > 0 || !shelf.rows.length;
};

const markShelf = () => {
  for (const { firstElementChild: row } of shelf ? shelf.rows : []) {
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
  // What is being asked goes on being asked, with what was typed there.
  const asked = editor.root?.querySelector(".ed-ask");
  const focused = asked?.contains(document.activeElement) ? document.activeElement : null;
  take(told);
  if (asked) editor.root.prepend(asked);
  focused?.focus({ preventScroll: true });
};

/* The editor: opening */

bridge.editor = (element, props, watch) => {
  editor.root = element.querySelector(".editor");
  const follow = () => {
    editor.servers = props.value?.servers || [];
    lang = props.value?.lang || lang;
    const isOther = editor.library !== undefined && editor.library !== props.value?.library;
    editor.library = props.value?.library;
    if (isOther) editor.lookAgain?.();
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
  if (slug !== current) choose(slug);
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
  settleWhose();
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
