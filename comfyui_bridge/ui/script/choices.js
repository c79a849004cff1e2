/* Choices ------------------------------------------------------------------------------------ */

const MOST_PLAIN = 12; // a longer list is searched
const MOST_DRAWN = 100; // of those that match; who wants another types on

/* The choices of a field: those it brought, or those the page has for it, asked for once. */
const choicesOf = (field) => {
  if (!field.fetch) return { now: field.choices || [], load: async () => field.choices || [] };
  const load = (fresh) => {
    if (fresh || !field.loading) {
      const url = `choices/${encodeURIComponent(field.slug)}/${encodeURIComponent(field.key)}${fresh ? "?fresh=1" : ""}`;
      field.loading = fetch(url).then(async (answer) => {
        if (answer.ok) return answer.json();
        throw new Error((await answer.text()).trim());
      });
      field.loading.catch(() => (field.loading = null));
    }
    return field.loading;
  };
  return { now: null, load };
};

kinds.choice = (field, put) => {
  const list = choicesOf(field);
  if (list.now && list.now.length <= MOST_PLAIN) return plainChoice(field, list.now, put);
  return searchedChoice(field, list, put);
};

const plainChoice = (field, choices, put) => {
  const select = make("select", { class: "box" });
  let raw = [];
  const fill = (value) => {
    // A value that the server does not list is shown all the same, and told apart when it is checked.
    const isListed = choices.some((choice) => String(choice) === String(value));
    raw = isListed ? choices : [value, ...choices];
    select.replaceChildren(...raw.map((choice, index) => make("option", { value: String(index) }, choice === "" ? "—" : String(choice))));
    select.value = String(raw.findIndex((choice) => String(choice) === String(value)));
  };
  select.addEventListener("change", () => put(raw[Number(select.value)]));
  return { element: select, input: select, show: (value) => fill(value ?? "") };
};

/* One of many: a field to type in, and below it those that match. Thousands are no burden, for only a
   hundred are drawn. */
const searchedChoice = (field, list, put, { keepsText = true } = {}) => {
  const box = make("input", { type: "text", class: "box", role: "combobox", autocomplete: "off", spellcheck: "false", "aria-expanded": "false", "aria-autocomplete": "list", placeholder: field.placeholder || say("choose") });
  const popup = make("div", { class: "popup", hidden: true });
  const options = make("ul", { role: "listbox", "aria-label": field.label });
  const note = make("p", { class: "popup-note" });
  popup.append(options, note);
  if (field.remote) {
    const again = make("button", { type: "button", class: "popup-again", onclick: () => open(true) }, say("refresh_choices"));
    again.addEventListener("mousedown", (event) => event.preventDefault());
    popup.append(again);
  }
  const element = make("div", { class: "combo" }, box, popup);
  let all = list.now;
  let chosen = "";
  let shown = [];
  let active = -1;
  const isOpen = () => !popup.hidden;
  const text = (value) => (value === null || value === undefined ? "" : String(value));
  const filter = (wanted) => {
    const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = words.length ? all.filter((choice) => words.every((word) => String(choice).toLowerCase().includes(word))) : all;
    shown = hits.slice(0, MOST_DRAWN);
    const at = shown.findIndex((choice) => text(choice) === text(chosen));
    // What is chosen is in sight, however far down the list it stands.
    if (at < 0 && !words.length && hits.some((choice) => text(choice) === text(chosen))) shown = [chosen, ...shown.slice(0, -1)];
    options.replaceChildren(...shown.map((choice, index) => make("li", { role: "option", id: `${box.id}-${index}`, "aria-selected": String(text(choice) === text(chosen)), "data-index": String(index) }, text(choice) || "—")));
    setText(note, hits.length > shown.length ? say("more_choices").replace("{count}", (hits.length - shown.length).toLocaleString(lang)) : hits.length ? "" : say("no_choice"));
    activate(words.length ? (shown.length ? 0 : -1) : shown.findIndex((choice) => text(choice) === text(chosen)));
  };
  const activate = (index) => {
    options.children[active]?.classList.remove("is-active");
    active = index;
    const item = options.children[index];
    item?.classList.add("is-active");
    if (item) {
      box.setAttribute("aria-activedescendant", item.id);
      const [top, bottom] = [item.offsetTop, item.offsetTop + item.offsetHeight];
      if (top < options.scrollTop) options.scrollTop = top;
      else if (bottom > options.scrollTop + options.clientHeight) options.scrollTop = bottom - options.clientHeight;
    } else box.removeAttribute("aria-activedescendant");
  };
  const open = async (fresh = false) => {
    if (isOpen() && !fresh) return;
    popup.hidden = false;
    box.setAttribute("aria-expanded", "true");
    element.closest(".field")?.classList.add("is-open");
    if (!all || fresh) {
      options.replaceChildren();
      setText(note, say("loading_choices"));
      try {
        all = await list.load(fresh);
      } catch (error) {
        setText(note, whyFailed(error) || say("no_choices_now"));
        return;
      }
    }
    if (isOpen()) filter(box.value === text(chosen) ? "" : box.value);
  };
  const close = () => {
    popup.hidden = true;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
    element.closest(".field")?.classList.remove("is-open");
  };
  const take = (choice) => {
    const isNew = choice !== chosen;
    chosen = choice;
    box.value = text(choice);
    close();
    if (isNew) put(choice);
  };
  /* What was typed and not chosen: the choice of that name, or the words themselves. */
  const settle = () => {
    close();
    const typed = box.value.trim();
    if (typed === text(chosen)) return;
    const same = (all || []).find((choice) => text(choice).toLowerCase() === typed.toLowerCase());
    if (same !== undefined) take(same);
    else if (keepsText) take(typed);
    else box.value = text(chosen);
  };
  box.addEventListener("click", () => {
    open();
    box.select();
  });
  box.addEventListener("input", () => (isOpen() && all ? filter(box.value) : open()));
  box.addEventListener("blur", settle);
  box.addEventListener("keydown", (event) => {
    const last = shown.length - 1;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen()) open();
      else activate(event.key === "ArrowDown" ? Math.min(active + 1, last) : Math.max(active - 1, 0));
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && isOpen()) {
      event.preventDefault();
      if (shown[active] !== undefined) take(shown[active]);
    } else if (event.key === "Escape" && isOpen()) {
      event.preventDefault();
      event.stopPropagation();
      box.value = text(chosen);
      close();
    }
  });
  options.addEventListener("mousedown", (event) => {
    event.preventDefault(); // the field keeps the focus
    const item = event.target.closest("[data-index]");
    if (item && event.button === 0) take(shown[Number(item.dataset.index)]);
  });
  const show = (value) => {
    chosen = value ?? "";
    box.value = text(chosen);
  };
  return { element, input: box, show };
};

/* Several: those chosen as chips, and a field for more. */
kinds.choices = (field, put) => {
  let several = [];
  const chips = make("ul", { class: "several-list" });
  const list = choicesOf(field);
  const add = (choice) => {
    more.show("");
    if (choice !== "" && !several.some((one) => String(one) === String(choice))) change([...several, choice]);
  };
  const more = searchedChoice({ ...field, placeholder: say("add_choice") }, list, add, { keepsText: false });
  const change = (next) => {
    draw(next);
    put(next);
  };
  const draw = (next) => {
    several = next;
    chips.replaceChildren(
      ...several.map((choice) => {
        const gone = make("button", { type: "button", "aria-label": `${say("remove")}: ${choice}`, onclick: () => change(several.filter((one) => one !== choice)) }, "×");
        return make("li", {}, make("span", {}, String(choice)), gone);
      }),
    );
    chips.hidden = !several.length;
  };
  const show = (value) => draw(Array.isArray(value) ? value : value === "" || value === null || value === undefined ? [] : [value]);
  return { element: make("div", { class: "several" }, chips, more.element), input: more.input, show };
};
