/* Experiments -----------------------------------------------------------------------------------
   The tab has three views in one place: the list of experiments, the plan of one, and its sheet. */

const experiments = (() => {
  const AGAIN_MS = 3000; // how often the list is asked while one of it is under way
  let root = null;
  let isShown = false;
  let open = null; // the view that is shown, with `close` for when it goes
  let openWords = null; // its words in the address
  let hasArrived = false; // it is known who looks, and in which language
  let called = ""; // what the sheet is called that is open

  const body = () => root.querySelector(".exp-view");
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

  /* Another view is another entry of the browser's history. It is remembered for a reload on another tab. */
  const PLACE = "bridge.experiments";
  const remembered = () => {
    try {
      const words = JSON.parse(sessionStorage.getItem(PLACE) || "[]");
      return Array.isArray(words) ? words : [];
    } catch {
      return [];
    }
  };
  const remember = (words) => {
    try {
      sessionStorage.setItem(PLACE, JSON.stringify(words));
    } catch {
      // Not allowed to: the tab begins with its list.
    }
  };
  const named = (words) => {
    const isOther = !same(words, tabWords.experiments || []);
    tabWords.experiments = words;
    if (isOther && tabNamed === "experiments" && !namesSheet()) writeAddress("pushState");
  };
  /* The browser's tab is called as the sheet is, while one looks at it. */
  const name = (as) => {
    if (as === called) return;
    called = as;
    tellTitle();
  };
  const show = (words, draw) => {
    if (!hasArrived) return; // nobody has arrived yet; the address says what is to be shown then
    open?.close?.();
    open = null;
    openWords = words;
    name("");
    remember(words);
    const box = make("div", { class: "exp-view" });
    root.replaceChildren(box);
    open = draw(box) || {};
  };

  /* As the address says. */
  const readPlace = ({ experiment, plan } = {}) => {
    if (experiment) return show([["experiment", experiment]], (box) => bridge.sheet(box, experiment, name));
    if (plan) return show([["plan", plan]], (box) => bridge.plan(box, plan));
    return show([], drawList);
  };
  const go = (words) => {
    named(words);
    readPlace(Object.fromEntries(words));
    if (tabNamed !== "experiments") openTab("experiments");
    scrollTo({ top: 0 });
  };

  /* The list ------------------------------------------------------------------------------------ */

  const drawList = (box) => {
    let known = null;
    let gone = null; // what was deleted last
    let timer = 0;
    let renaming = "";
    const rows = new Map();
    const notes = make("div", { class: "exp-notes" });
    const list = make("ul", { class: "exp-list", "aria-label": say("exp_list") });
    const state = make("div", { class: "exp-state", hidden: true });
    box.append(notes, list, state);

    const ask = async () => {
      clearTimeout(timer);
      const answer = await answered(fetch(`experiments?${new URLSearchParams({ lang })}`));
      if (!box.isConnected) return;
      if (answer.experiments) known = answer.experiments;
      draw(answer.experiments ? "" : answer.error || say("exp_unasked"));
      const isUnderWay = known?.some((one) => one.state === "running");
      if (isShown && !document.hidden && isUnderWay) timer = setTimeout(ask, AGAIN_MS);
    };
    const tell = async (one, action, more = {}) => {
      const answer = await answered(fetch(`experiments/${encodeURIComponent(one.id)}`, { method: "POST", body: JSON.stringify({ action, lang, ...more }) }));
      if (answer.error) note(answer.error);
      return !answer.error;
    };

    const note = (text, ...more) => notes.replaceChildren(...(text ? [make("p", { class: "exp-note", role: "status" }, text, ...more)] : []), ...unfinished());
    const drawNotes = () => {
      if (!gone) return note("");
      const undo = pressable("link", { onclick: async () => {
        if (!(await tell(gone, "restore"))) return;
        gone = null;
        await ask();
      } }, say("exp_undo"));
      note(phrase("exp_deleted", { name: gone.name }), " ", undo);
      return undo;
    };
    const unfinished = () => {
      const plan = plans.unfinished();
      if (!plan) return [];
      const drop = () => {
        plans.discard(plan.template);
        draw("");
      };
      return [make("p", { class: "exp-note" }, phrase("exp_unfinished", { title: plan.title || plan.template }), " ",
        pressable("link", { onclick: () => go([["plan", plan.template]]) }, say("exp_continue")), pressable("link", { onclick: drop }, say("exp_discard")))];
    };

    const draw = (problem) => {
      drawNotes();
      const items = known || [];
      state.hidden = !problem && (items.length > 0 || !known);
      if (!state.hidden) drawState(problem);
      list.hidden = !items.length;
      const ids = new Set(items.map((one) => one.id));
      for (const [id, row] of rows) if (!ids.has(id)) (row.remove(), rows.delete(id));
      items.forEach((one, place) => {
        let row = rows.get(one.id);
        if (!row) rows.set(one.id, (row = make("li", { class: "exp-item", "data-experiment": one.id })));
        fill(row, one);
        if (list.children[place] !== row) list.insertBefore(row, list.children[place] || null);
      });
    };
    const drawState = (problem) => {
      if (problem) state.replaceChildren(make("p", { role: "alert" }, phrase("exp_unread", { why: problem })), pressable("action", { onclick: ask }, say("exp_retry")));
      else {
        const blank = make("div", { class: "exp-blank", "aria-hidden": "true" }, ...Array.from({ length: 12 }, () => make("i")));
        state.replaceChildren(blank, make("h2", {}, say("exp_none")), make("p", {}, say("exp_none_hint")), pressable("action main", { "data-tab": "create" }, say("exp_go_create")));
      }
    };

    const fill = (row, one) => {
      if (renaming === one.id) return;
      const key = JSON.stringify([one, lang]);
      if (row.dataset.key === key) return;
      row.dataset.key = key;
      const focused = row.contains(document.activeElement) ? document.activeElement.dataset.name : "";
      const pictures = make("span", { class: "exp-thumbs", "aria-hidden": "true" }, ...one.thumbs.map((url) => make("img", { src: url, alt: "", loading: "lazy", decoding: "async" })));
      for (const image of pictures.children) image.addEventListener("error", () => image.remove(), { once: true });
      const share = one.count ? one.done / one.count : 0;
      const said = [phrase("exp_done_of", { done: one.done, count: one.count }), say(`exp_state_${one.state}`), one.failed ? phrase("exp_failed", { count: one.failed }) : ""].filter(Boolean).join(" · ");
      const bar = make("span", { class: "exp-bar", "aria-hidden": "true" }, make("i"));
      bar.firstChild.style.width = `${100 * share}%`;
      const open = make("a", { class: "exp-open", "data-name": "open", href: `?view=experiments&experiment=${encodeURIComponent(one.id)}`, onclick: (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button > 0) return;
        event.preventDefault();
        go([["experiment", one.id]]);
      } }, pictures, make("span", { class: "exp-names" }, make("b", {}, one.name), make("span", {}, [one.title, datedShort(one.at)].filter(Boolean).join(" · "))),
        make("span", { class: "exp-how" }, make("span", {}, said), bar));
      row.dataset.state = one.state;
      row.replaceChildren(open, make("span", { class: "exp-tools" },
        pressable("link", { "data-name": "rename", "aria-label": phrase("exp_rename_it", { name: one.name }), onclick: () => rename(row, one) }, say("exp_rename")),
        pressable("link", { "data-name": "delete", "aria-label": phrase("exp_delete_it", { name: one.name }), onclick: () => remove(one) }, say("exp_delete"))));
      if (one.problem) row.append(make("p", { class: "exp-problem" }, one.problem));
      if (focused) row.querySelector(`[data-name="${focused}"]`)?.focus();
    };
    const rename = (row, one) => {
      renaming = one.id;
      const field = make("input", { type: "text", class: "box", maxlength: "120", value: one.name, "aria-label": say("exp_name") });
      const end = async (keeps) => {
        if (renaming !== one.id) return;
        renaming = "";
        row.dataset.key = "";
        if (keeps && field.value.trim() && field.value.trim() !== one.name) await tell(one, "rename", { name: field.value.trim() });
        await ask();
        row.querySelector('[data-name="rename"]')?.focus();
      };
      field.addEventListener("keydown", (event) => {
        if (event.key === "Enter") end(true);
        if (event.key === "Escape") end(false);
      });
      row.querySelector(".exp-open").replaceWith(make("span", { class: "exp-renaming" }, field, pressable("action", { onclick: () => end(true) }, say("exp_rename_go"))));
      row.querySelector(".exp-tools").replaceChildren();
      field.select();
    };
    const remove = async (one) => {
      if (!(await tell(one, "delete"))) return;
      gone = one;
      known = known.filter((other) => other.id !== one.id);
      draw("");
      drawNotes()?.focus();
    };

    if (isShown) ask();
    return { close: () => clearTimeout(timer), seen: ask };
  };

  /* It is there, and it is left ----------------------------------------------------------------- */

  const begin = (element) => {
    root = element.querySelector(".experiments");
    new IntersectionObserver((seen) => {
      const isNow = seen.at(-1).isIntersecting;
      if (isNow === isShown) return;
      isShown = isNow;
      tellTitle();
      if (isShown) open?.seen?.();
    }).observe(element);
    // The page takes a moment to know who looks: what a link leads to is seen to come.
    if (tabNamed === "experiments" && new Map(tabWords.experiments).has("experiment")) root.append(bridge.sheetToCome(""));
    document.addEventListener("visibilitychange", () => !document.hidden && isShown && open?.seen?.());
  };

  let drawnIn = "";
  return {
    begin,
    told: (given) => {
      if (!given?.lang || given.lang === drawnIn) return;
      drawnIn = lang = given.lang;
      hasArrived = true;
      tabWords.experiments ||= remembered();
      readPlace(Object.fromEntries(tabWords.experiments));
    },
    go,
    show: readPlace,
    isAt: (words) => same(words, openWords),
    isShown: () => isShown,
    title: () => (isShown ? called : ""),
  };
})();

/* The list of experiments; one of them. */
const openExperiments = () => experiments.go([]);
const openExperiment = (id) => experiments.go([["experiment", id]]);

/* Whether this experiment's sheet is what one sees. */
const isOnSheet = (id) => experiments.isShown() && experiments.isAt([["experiment", id]]);

/* A way back from a result to the sheet that it was made for. */
const partOf = ({ id, name }, run, leave = () => {}) => {
  if (!id) return "";
  return make("p", { class: "part-of" }, make("a", { href: `?view=experiments&experiment=${encodeURIComponent(id)}`, onclick: (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button > 0) return;
    event.preventDefault();
    leave();
    bridge.sheetAt(id, run);
    openExperiment(id);
  } }, phrase("exp_part_of", { name })));
};

bridge.experiments = (element, props, watch) => {
  experiments.begin(element);
  watch("value", () => experiments.told(props.value));
  experiments.told(props.value);
};

/* A sheet that is still there is as it was left. */
takenUp.experiments = (asked) => (asked.experiment && experiments.isAt(Object.entries(asked))) || experiments.show(asked);
