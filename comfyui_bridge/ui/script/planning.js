/* The plan of an experiment ---------------------------------------------------------------------
   What varies over a form's values, and the sheet that comes of it, drawn before anything runs. What is
   typed is kept for the session, a plan for each template; python reads it while one types. */

const planning = (() => {
  const STORE = "bridge.plans";
  const MOST_PLANS = 6;
  const SLOTS = ["columns", "rows", "pages"];
  const MOST_COLUMNS = 60;
  const MOST_DRAWN_CELLS = 1200;
  const MOST_TICKS = 200; // of a list that is drawn; who wants another searches
  const MOST_TEXTS = 5; // that are read out under their field
  const MOST_ROWS = 50; // of a table
  const MOST_PROBLEMS = 6; // of an axis
  const SOON_MS = 250;
  const LIFE = Math.random(); // of this page: the form remembers as long

  /* Plans that are kept: the newest first ------------------------------------------------------- */

  const kept = () => {
    try {
      const plans = JSON.parse(sessionStorage.getItem(STORE) || "[]");
      return Array.isArray(plans) ? plans.filter((one) => one?.template) : [];
    } catch {
      return [];
    }
  };
  const write = (plans) => {
    try {
      sessionStorage.setItem(STORE, JSON.stringify(plans.slice(0, MOST_PLANS)));
    } catch {
      // Too long to be kept, or not allowed to: it is only what a reload would lose.
    }
  };
  const discard = (template) => write(kept().filter((one) => one.template !== template));
  const keep = (plan) => write([plan, ...kept().filter((one) => one.template !== plan.template)]);
  const planOf = (template) => kept().find((one) => one.template === template);

  const draws = () => Math.floor(Math.random() * 2 ** 31);
  const alike = (one, other) => JSON.stringify(one) === JSON.stringify(other);

  /* A new plan over these values. `axes` come as python has them, the slowest first. */
  const begin = ({ template, values, axes, skip = [], basedOn = "", basedOnName = "", name = "" }) =>
    keep({ template, values, axes: axes ? [...axes].reverse() : null, skip, basedOn, basedOnName, name, life: LIFE, isTouched: Boolean(axes) });

  /* The same plan over what a form says now; a new one where nobody has changed the last. */
  const beginOver = (template, values) => {
    const old = planOf(template);
    if (old?.isTouched && old.axes?.length && !old.basedOn) keep({ ...old, values, life: LIFE });
    else begin({ template, values });
  };

  /* What an axis is written with ----------------------------------------------------------------- */

  const KINDS = { numbers: ["values"], words: ["values"], seeds: ["seeds", "values"], texts: ["texts", "replace"], choices: ["choices"], files: ["choices"], presets: ["presets"], table: ["table"] };

  const newAxis = (variable) => {
    const [kind] = KINDS[variable.way];
    const isList = Array.isArray(variable.start);
    return { kind, key: variable.key, text: isList ? "" : variable.start || "", chosen: isList ? variable.start : [], find: "", number: kind === "seeds" ? 4 : 0, start: draws() };
  };
  const forPython = ({ kind, key, text, chosen, find, number, start }) => ({ kind, key, text, chosen, find, number, start });

  /* The view ------------------------------------------------------------------------------------ */

  const draw = (box, template) => {
    let plan = planOf(template) || { template, values: {}, axes: null, skip: [], basedOn: "", basedOnName: "", name: "", life: LIFE };
    let info = null; // what may vary
    let told = null; // what python made of the plan
    let tellAs = ""; // the plan it was made of
    let problem = "";
    let timer = 0;
    let asking = null;
    let isMaking = false;
    let page = 0; // of the sheet, where there are several
    let cards = [];
    const parts = {};

    const save = (isTouched = true) => {
      plan.isTouched = plan.isTouched || isTouched;
      keep(plan);
    };
    const variable = (key) => info.inputs.find((one) => one.key === key);
    const variableOf = (axis) =>
      axis.kind === "presets" ? { way: "presets", key: "" } : axis.kind === "table" ? { way: "table", key: "" } : variable(axis.key);

    const load = async () => {
      const isEarlier = plan.basedOn && !plan.values;
      const answer = await answered(fetch("experiments/inputs", { method: "POST", body: JSON.stringify({ template, values: plan.values, lang, ...(plan.basedOn ? { experiment: plan.basedOn } : {}) }) }));
      if (!box.isConnected) return;
      if (!answer.inputs) {
        box.replaceChildren(head(), make("div", { class: "exp-state" }, make("p", { role: "alert" }, answer.error || say("exp_unasked")), pressable("action", { onclick: load }, say("exp_retry"))));
        return;
      }
      info = answer;
      plan.title = answer.title;
      if (answer.earlier) plan.basedOnName = answer.earlier.name;
      if (isEarlier && answer.earlier) Object.assign(plan, { values: answer.earlier.values, axes: [...answer.earlier.axes].reverse(), skip: answer.earlier.skip });
      if (!plan.axes) plan.axes = answer.suggested ? [answer.suggested] : [{}];
      save(false);
      lay();
      read();
    };

    /* What python makes of it. */
    const asked = () => plan.axes.filter((axis) => axis.kind);
    const forAll = () => ({ template, values: plan.values, axes: asked().map(forPython).reverse(), skip: plan.skip });
    const readSoon = () => {
      clearTimeout(timer);
      timer = setTimeout(read, SOON_MS);
    };
    const read = async () => {
      clearTimeout(timer);
      const now = forAll();
      const said = JSON.stringify(now);
      asking?.abort();
      asking = new AbortController();
      const mine = asking;
      let answer;
      try {
        const response = await fetch("experiments/plan", { method: "POST", body: JSON.stringify({ plan: now, lang }), signal: mine.signal });
        answer = await response.json();
      } catch (error) {
        if (error.name === "AbortError") return;
        answer = { error: say("exp_unasked") };
      }
      if (!box.isConnected || mine !== asking) return;
      problem = answer.error || "";
      if (!answer.error) {
        told = answer;
        tellAs = said;
      }
      drawTold();
    };
    const changed = () => {
      save();
      readSoon();
    };

    /* Its parts ----------------------------------------------------------------------------------- */

    const head = () => {
      const back = pressable("link exp-back", { onclick: () => experiments.go([]) }, say("exp_back"));
      return make("header", { class: "exp-head" }, back, make("h2", {}, say("exp_plan")), make("p", { class: "exp-with" }, phrase("exp_plan_with", { title: plan.title || template })),
        plan.basedOn ? make("p", { class: "exp-with" }, phrase("exp_repeats", { name: plan.basedOnName || plan.name })) : "");
    };
    const lay = () => {
      parts.axes = make("div", { class: "exp-axes" });
      parts.sheet = make("section", { class: "exp-sheet", "aria-label": say("exp_sheet") });
      parts.rest = make("section", { class: "exp-rest" });
      parts.outlook = make("p", { class: "exp-outlook", role: "status" });
      parts.much = make("p", { class: "exp-much", role: "status" });
      parts.wrong = make("p", { class: "exp-wrong", role: "alert" });
      parts.make = pressable("exp-make", { onclick: makeAll });
      const name = make("input", { type: "text", class: "box exp-name", maxlength: "120", "aria-label": say("exp_name"), value: plan.name });
      name.addEventListener("input", () => {
        plan.name = name.value;
        save();
      });
      parts.name = name;
      box.replaceChildren(head(), parts.axes, parts.sheet, parts.rest,
        make("div", { class: "exp-foot" }, make("div", { class: "exp-foot-said" }, parts.outlook, parts.much, parts.wrong), make("label", { class: "exp-name-field" }, make("span", {}, say("exp_name")), name), parts.make));
      layAxes();
      drawRest();
      drawTold();
    };

    const layAxes = (focus = "") => {
      cards = plan.axes.map(card);
      const next = SLOTS[plan.axes.length];
      const add = next && (!plan.axes.length || plan.axes.at(-1).kind)
        ? [pressable("exp-add", { onclick: addAxis }, make("b", {}, say(`exp_add_${next}`)), make("span", {}, say(`exp_add_${next}_hint`)))]
        : [];
      parts.axes.replaceChildren(...cards.map((one) => one.root), ...add);
      for (const one of cards) one.drawn?.();
      if (focus) parts.axes.querySelector(focus)?.focus();
    };
    const addAxis = () => {
      plan.axes.push({});
      save();
      layAxes(`#exp-what-${plan.axes.length - 1}-input`);
      drawTold();
    };
    const axesChanged = (focus) => {
      save();
      layAxes(focus);
      read();
    };

    const card = (axis, place) => {
      const slot = say(`exp_${SLOTS[place]}`);
      const root = make("section", { class: "exp-card", "aria-label": slot });
      const count = make("span", { class: "exp-count" });
      const tools = [];
      if (place) {
        const words = phrase("exp_swap", { one: say(`exp_${SLOTS[place - 1]}`), other: slot });
        tools.push(pressable("exp-tool exp-swap", { "aria-label": words, title: words, onclick: () => swap(place) }));
      }
      const gone = phrase("exp_remove", { one: slot });
      if (plan.axes.length > 1 || axis.kind) tools.push(pressable("exp-tool exp-remove", { "aria-label": gone, title: gone, onclick: () => removeAxis(place) }, "×"));
      const problems = make("ul", { class: "exp-problems", "aria-live": "polite" });
      const reading = make("div", { class: "exp-reading" });
      const editor = make("div", { class: "exp-editor" });
      root.append(make("div", { class: "exp-card-head" }, make("h3", {}, slot), count, ...tools), what(axis, place), editor, reading, problems);
      const of = axis.kind ? variableOf(axis) : null;
      let made = null;
      if (axis.kind && of) {
        made = (EDITORS[of.way === "files" ? "files" : axis.kind] || EDITORS.values)(axis, of);
        const ways = KINDS[of.way];
        editor.append(...(ways.length > 1 ? [wayOf(axis, ways, place)] : []), ...made.parts);
      }
      return { axis, root, count, problems, reading, drawn: made?.drawn, tell: made?.tell };
    };

    /* Which input it is: any of the form, a preset, or a table. */
    const what = (axis, place) => {
      const taken = new Set(plan.axes.filter((one) => one !== axis && one.kind && !["texts", "replace"].includes(one.kind)).map((one) => one.key || one.kind));
      const offered = offers().filter((one) => !taken.has(one.variable.key || one.variable.way));
      const put = (offer) => {
        if (!offer?.variable) return;
        plan.axes[place] = newAxis(offer.variable);
        plan.skip = [];
        axesChanged(".exp-none");
        cards[place].root.querySelector(".exp-editor :is(input, textarea)")?.focus();
      };
      const made = searchedChoice({ label: say("exp_what"), placeholder: say("exp_what_hint") }, { now: offered, load: async () => offered }, put, { keepsText: false });
      made.input.id = `exp-what-${place}-input`;
      const of = axis.kind && variableOf(axis);
      const chosen = of && offers().find((one) => (one.variable.key || one.variable.way) === (of.key || of.way));
      made.show(chosen || axis.key || "");
      const now = of?.now ? make("p", { class: "field-hint exp-now", title: of.now }, phrase("exp_in_form", { now: of.now })) : "";
      return make("div", { class: "field" }, make("label", { class: "field-label", for: made.input.id }, say("exp_what")), made.element, now);
    };
    const offers = () => {
      const seen = new Set();
      const named = info.inputs.map((one) => {
        let label = one.group ? `${one.label} · ${one.group}` : one.label;
        if (seen.has(label)) label = `${label} (${one.key})`;
        seen.add(label);
        return { variable: one, toString: () => label };
      });
      const more = [{ way: "presets", key: "", label: say("presets"), start: [] }, { way: "table", key: "", label: say("exp_table"), start: "" }];
      return [...named, ...more.map((one) => ({ variable: one, toString: () => one.label }))];
    };

    /* Where an axis can be written in two ways, what was written in the other is not lost. */
    const wayOf = (axis, ways, place) => {
      const [first, other] = ways;
      const made = twoWords({ on: say(`exp_way_${first}`), off: say(`exp_way_${other}`) }, (isFirst) => {
        const { ways: was = {}, ...now } = axis;
        const kind = isFirst ? first : other;
        if (kind === axis.kind) return;
        plan.axes[place] = { ...(was[kind] || { ...newAxis(variable(axis.key)), kind, text: "" }), ways: { ...was, [axis.kind]: now } };
        axesChanged(".exp-none");
        cards[place].root.querySelector('[role=radio][tabindex="0"]')?.focus();
      });
      made.show(axis.kind === first);
      made.element.setAttribute("aria-label", say("exp_values"));
      return made.element;
    };

    const swap = (place) => {
      const { axes } = plan;
      [axes[place - 1], axes[place]] = [axes[place], axes[place - 1]];
      const last = axes.length - 1; // python's order is the other way round
      const turned = ([...labels]) => {
        [labels[last - place], labels[last - place + 1]] = [labels[last - place + 1], labels[last - place]];
        return labels;
      };
      plan.skip = axes.every((axis) => axis.kind) ? plan.skip.map(turned) : [];
      axesChanged(`.exp-card:nth-child(${place + 1}) .exp-swap`);
    };
    const removeAxis = (place) => {
      plan.axes.splice(place, 1);
      plan.skip = [];
      if (!plan.axes.length) plan.axes.push({});
      axesChanged(`#exp-what-${Math.min(place, plan.axes.length - 1)}-input`);
    };

    /* The editors: each gives its parts, and what it draws of python's answer. ---------------------- */

    let ids = 0;
    const labelled = (label, control, hint = "", input = control) => {
      input.id = input.id || `exp-field-${(ids += 1)}`;
      return make("div", { class: "field" }, make("label", { class: "field-label", for: input.id }, label), control, hint ? make("p", { class: "field-hint" }, hint) : "");
    };
    const line = (axis, name, attributes = {}) => {
      const input = make("input", { type: "text", class: "box", autocomplete: "off", spellcheck: "false", value: axis[name] || "", ...attributes });
      input.addEventListener("input", () => {
        axis[name] = input.value;
        changed();
      });
      return input;
    };
    const amountOf = (axis, least) => {
      const input = make("input", { type: "number", class: "box exp-number", min: least, max: 10000, step: 1, inputmode: "numeric", value: axis.number });
      input.addEventListener("input", () => {
        axis.number = Math.max(0, Math.trunc(Number(input.value) || 0));
        changed();
      });
      return input;
    };
    const others = (axis) => pressable("action", { onclick: () => {
      axis.start = draws();
      changed();
    } }, say("exp_draw_others"));
    const joined = (labels) => [make("p", { class: "exp-values" }, labels.slice(0, 60).join(" · "))];

    const EDITORS = {
      values: (axis, of) => {
        const isNumber = ["numbers", "seeds"].includes(of.way);
        const limits = of.limits ? phrase("exp_limits", { limits: of.limits }) : "";
        const hint = [isNumber ? say("exp_numbers_hint") : say("exp_words_hint"), limits].filter(Boolean).join(" ");
        return { parts: [labelled(say("exp_values"), line(axis, "text", { placeholder: isNumber ? "20,30,40" : "" }), hint)], tell: joined };
      },
      seeds: (axis) => {
        const count = amountOf(axis, 1);
        return { parts: [labelled(say("exp_how_many"), make("div", { class: "exp-pair" }, count, others(axis)), "", count)] };
      },
      texts: (axis) => {
        const box = make("textarea", { class: "box", rows: 4, spellcheck: "false" });
        box.style.setProperty("--lines", 4);
        box.value = axis.text || "";
        box.addEventListener("input", () => {
          axis.text = box.value;
          changed();
        });
        const names = info.lists?.length ? ` ${phrase("exp_lists", { names: info.lists.map((name) => `__${name}__`).join(", ") })}` : "";
        const number = amountOf(axis, 1);
        const some = make("div", { class: "exp-pair" }, number, others(axis));
        number.setAttribute("aria-label", say("exp_how_many"));
        const both = twoWords({ on: say("exp_all"), off: say("exp_some") }, (isAll) => {
          axis.number = isAll ? 0 : axis.number || 8;
          number.value = axis.number;
          some.hidden = isAll;
          changed();
        });
        both.show(!axis.number);
        both.element.setAttribute("aria-label", say("exp_combinations"));
        some.hidden = !axis.number;
        const combined = make("div", { class: "exp-combined" }, both.element, some);
        const tell = (labels, count) => {
          const isChosen = /[{]|__/.test(axis.text || "");
          combined.hidden = !isChosen && !axis.number;
          if (!isChosen) return [];
          const more = count - MOST_TEXTS;
          return [make("ol", { class: "exp-texts" }, ...labels.slice(0, MOST_TEXTS).map((text) => make("li", { title: text }, text))), more > 0 ? make("p", {}, phrase("exp_texts_more", { count: more.toLocaleString(lang) })) : ""];
        };
        combined.hidden = true;
        return { parts: [labelled(say("exp_texts"), box, say("exp_texts_hint") + names), combined], tell };
      },
      replace: (axis) => ({
        parts: [labelled(say("exp_find"), line(axis, "find", { placeholder: "red" })), labelled(say("exp_by"), line(axis, "text", { placeholder: "green, blue" }), say("exp_replace_hint"))],
        tell: joined,
      }),
      choices: (axis, of) => ({ parts: [ticks(axis, of, { first: of.none ? [["", of.none]] : [] })] }),
      presets: (axis) => ({ parts: info.presets.length ? [ticks(axis, { options: info.presets })] : [make("p", { class: "field-hint" }, say("exp_presets_none"))] }),
      table: (axis) => tableEditor(axis),
      files: (axis, of) => filesEditor(axis, of),
    };

    /* Several of a list, ticked. */
    const ticks = (axis, of, { first = [], also = () => {} } = {}) => {
      let all = of.options || null;
      const list = make("ul", { class: "exp-ticks", role: "group", "aria-label": say("exp_choices") });
      const search = make("input", { type: "search", class: "box", placeholder: say("exp_search"), "aria-label": say("exp_search"), autocomplete: "off" });
      const note = make("p", { class: "field-hint" });
      const ticked = make("span", { class: "exp-ticked" });
      const has = (value) => axis.chosen.some((one) => alike(one, value));
      const set = (values) => {
        axis.chosen = values;
        drawTicks();
        also();
        changed();
      };
      const matching = () => {
        const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
        return (all || []).filter(([, label]) => words.every((word) => label.toLowerCase().includes(word)));
      };
      const every = pressable("link", { onclick: () => set([...axis.chosen, ...matching().map(([value]) => value).filter((value) => !has(value))]) }, say("exp_tick_all"));
      const none = pressable("link", { onclick: () => {
        const gone = matching().map(([value]) => JSON.stringify(value));
        set(axis.chosen.filter((value) => !gone.includes(JSON.stringify(value)) && (search.value || !all)));
      } }, say("exp_tick_none"));
      const item = ([value, label]) => {
        const box = make("input", { type: "checkbox" });
        box.checked = has(value);
        box.addEventListener("change", () => {
          axis.chosen = box.checked ? [...axis.chosen, value] : axis.chosen.filter((one) => !alike(one, value));
          setText(ticked, phrase("exp_ticked", { count: axis.chosen.length }));
          also();
          changed();
        });
        return make("li", {}, make("label", { class: "switch", title: label }, box, make("span", {}, label)));
      };
      const drawTicks = () => {
        const found = matching();
        const known = new Set((all || []).map(([value]) => JSON.stringify(value)));
        // What a server does not list any more is told apart when the plan is read.
        const strange = search.value ? [] : axis.chosen.filter((value) => !known.has(JSON.stringify(value)) && !keyOf(value)).map((value) => [value, String(value?.name ?? value)]);
        const shown = [...strange, ...found].slice(0, MOST_TICKS);
        if (found.length > MOST_TICKS) shown.sort((one, other) => has(other[0]) - has(one[0]));
        list.replaceChildren(...shown.map(item));
        const more = found.length + strange.length - shown.length;
        setText(note, !all ? say("loading_choices") : more > 0 ? phrase("exp_more", { count: more.toLocaleString(lang) }) : shown.length ? "" : say("exp_nothing"));
        setText(ticked, phrase("exp_ticked", { count: axis.chosen.length }));
        search.hidden = (all || []).length <= 8;
      };
      search.addEventListener("input", drawTicks);
      if (!all) {
        choicesOf({ slug: template, key: of.fetch, fetch: true }).load().then(
          (names) => {
            all = [...first, ...names.map((name) => [name, String(name)])];
            drawTicks();
          },
          (error) => setText(note, error.message || say("no_choices_now")),
        );
      }
      drawTicks();
      const element = make("div", { class: "exp-ticking" }, search, make("div", { class: "exp-tick-bar" }, ticked, every, none), list, note);
      return Object.assign(element, { drawTicks });
    };

    const tableEditor = (axis) => {
      const box = make("textarea", { class: "box exp-csv", rows: 5, spellcheck: "false", "data-takes-files": "", placeholder: tableExample() });
      box.style.setProperty("--lines", 5);
      box.value = axis.text || "";
      const put = (text) => {
        box.value = axis.text = text;
        changed();
      };
      const take = async (file) => file && put(asCsv(await file.text()));
      box.addEventListener("input", () => {
        axis.text = box.value;
        changed();
      });
      box.addEventListener("paste", (event) => {
        const text = event.clipboardData?.getData("text/plain") || "";
        if (!text.split("\n", 1)[0].includes("\t")) return;
        event.preventDefault();
        box.setRangeText(asCsv(text), box.selectionStart, box.selectionEnd, "end");
        put(box.value);
      });
      box.addEventListener("dragover", (event) => event.preventDefault());
      box.addEventListener("drop", (event) => {
        if (!event.dataTransfer?.files.length) return;
        event.preventDefault();
        take(event.dataTransfer.files[0]);
      });
      const file = make("input", { type: "file", accept: ".csv,.tsv,.txt,text/csv", class: "file-input", tabindex: "-1", "aria-hidden": "true" });
      file.addEventListener("change", () => {
        take(file.files[0]);
        file.value = "";
      });
      const keys = info.inputs.filter((one) => !one.group).slice(0, 3).map((one) => one.key).join(", ");
      const tell = (labels, count, shown, problems) => (shown.keys?.length && count ? [preview(shown, count, problems)] : []);
      return { parts: [labelled(say("exp_table_label"), box, phrase("exp_table_hint", { keys })), make("div", {}, pressable("action", { onclick: () => file.click() }, say("exp_table_file")), file)], tell };
    };
    const tableExample = () => {
      const [one, other] = info.inputs.filter((each) => !each.group && ["texts", "numbers"].includes(each.way));
      return [one, other].filter(Boolean).map((each) => each.key).join(",") || "prompt,steps";
    };
    /* A spreadsheet puts tabs between its cells. */
    const asCsv = (text) => {
      const head_ = text.split("\n", 1)[0];
      if (!head_.includes("\t") || head_.includes(",")) return text;
      const quoted = (cell) => (/[",]/.test(cell) && !/^".*"$/s.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
      return text.replaceAll("\r\n", "\n").split("\n").map((row) => row.split("\t").map(quoted).join(",")).join("\n");
    };
    const preview = ({ keys, rows }, count, problems) => {
      const wrong = new Map(problems.filter((one) => one.key).map((one) => [`${one.variation} ${one.key}`, one.sentence]));
      const every = (key) => problems.filter((one) => one.key === key).length >= Math.min(count, rows.length);
      const cell = (row, place, index) => {
        const sentence = wrong.get(`${index} ${keys[place]}`);
        return make("td", { class: sentence && "is-wrong", title: sentence || row[place] }, row[place]);
      };
      const top = make("tr", {}, make("th", { scope: "col" }, "#"), ...keys.map((key) => make("th", { scope: "col", class: every(key) && "is-wrong" }, key)));
      const lines = rows.slice(0, MOST_ROWS).map((row, index) => make("tr", {}, make("th", { scope: "row" }, String(index + 1)), ...keys.map((_, place) => cell(row, place, index))));
      const more = count - Math.min(rows.length, MOST_ROWS);
      return make("div", { class: "exp-preview", tabindex: "0", role: "region", "aria-label": say("exp_table_preview") }, make("table", {}, make("thead", {}, top), make("tbody", {}, ...lines)), more > 0 ? make("p", {}, phrase("exp_table_rows_more", { count: more.toLocaleString(lang) })) : "");
    };

    /* Files, several at once; two of one name get different ones, by which the sheet tells them apart. */
    const filesEditor = (axis, of) => {
      const chooser = make("input", { type: "file", multiple: true, accept: of.shows === "file" ? null : `${of.shows}/*`, class: "file-input", tabindex: "-1", "aria-hidden": "true" });
      const zone = pressable("file-zone exp-zone", { "data-takes-files": "", onclick: () => chooser.click() }, make("span", { class: "file-said" }, say("exp_files_drop")));
      const list = make("ul", { class: "exp-files" });
      const wrong = make("p", { class: "field-error", role: "alert", hidden: true });
      const free = (name) => {
        const names = new Set(axis.chosen.map(fileName));
        const [, stem, suffix] = /^(.*?)(\.[^.]*)?$/s.exec(name);
        for (let number = 1; ; number += 1) {
          const one = number === 1 ? name : `${stem} (${number})${suffix || ""}`;
          if (!names.has(one)) return one;
        }
      };
      const take = async (files) => {
        wrong.hidden = true;
        zone.classList.add("is-busy");
        for (const file of files) {
          try {
            const held = await upload(file, file.name, of.shows);
            axis.chosen = [...axis.chosen, { ...held, name: free(held.name) }];
            drawFiles();
            changed();
          } catch (error) {
            setText(wrong, error.message);
            wrong.hidden = false;
          }
        }
        zone.classList.remove("is-busy");
      };
      chooser.addEventListener("change", () => {
        take([...chooser.files]);
        chooser.value = "";
      });
      zone.addEventListener("dragover", (event) => (event.preventDefault(), zone.classList.add("is-over")));
      zone.addEventListener("dragleave", () => zone.classList.remove("is-over"));
      zone.addEventListener("drop", async (event) => {
        event.preventDefault();
        zone.classList.remove("is-over");
        const files = [...(event.dataTransfer?.files || [])];
        const one = files.length ? null : await droppedFile(event.dataTransfer);
        take(one ? [one] : files);
      });
      const drawFiles = () => {
        list.replaceChildren(...axis.chosen.map((value) => {
          const name = fileName(value);
          const words = phrase("exp_files_remove", { name });
          const look = of.shows !== "image" ? "" : keyOf(value) ? pictureUrl(value, 96) : fileUrl(value, { slug: template, key: of.key });
          return make("li", { title: name }, look ? make("img", { src: look, alt: name }) : make("span", { class: "exp-file-name" }, name),
            pressable("exp-file-out", { "aria-label": words, title: words, onclick: () => {
              axis.chosen = axis.chosen.filter((one) => one !== value);
              drawFiles();
              servers?.drawTicks();
              changed();
            } }, "×"));
        }));
      };
      const servers = of.fetch || of.options?.length ? ticks(axis, of, { also: () => drawFiles() }) : null;
      drawFiles();
      const fold = servers ? [make("details", { class: "exp-servers" }, make("summary", {}, say("exp_files_server")), servers)] : [];
      return { parts: [zone, chooser, wrong, list, ...fold] };
    };

    /* What python answered, drawn without touching what somebody types in. --------------------------- */

    const shownOf = (axis) => {
      const all = asked();
      const place = all.length - 1 - all.indexOf(axis);
      return all.includes(axis) && told ? { shown: told.axes[place], place } : {};
    };
    const isEmpty = (axis) => {
      if (axis.kind === "seeds") return !axis.number;
      if (["choices", "presets"].includes(axis.kind)) return !axis.chosen.length;
      if (axis.kind === "replace") return !axis.find?.trim() || !axis.text.trim();
      return !axis.text?.trim();
    };
    const drawTold = () => {
      if (!parts.axes) return;
      for (const one of cards) {
        const { shown, place } = shownOf(one.axis);
        const mine = shown ? told.problems.filter((each) => each.axis === place) : [];
        setText(one.count, shown?.count ? tally("exp_count", shown.count) : "");
        const isBlank = one.axis.kind && isEmpty(one.axis);
        one.root.classList.toggle("has-problem", mine.length > 0 && !isBlank);
        one.problems.replaceChildren(...(isBlank ? [make("li", { class: "is-quiet" }, say("exp_empty"))] : listed(mine, one.axis.kind === "table")));
        one.reading.replaceChildren(...((shown && one.tell?.(shown.labels, shown.count, shown, mine)) || []));
      }
      drawGrid();
      drawFoot();
    };
    /* One sentence for what is wrong with several values alike; of a table by row and column. */
    const listed = (problems, isTable) => {
      const by = new Map();
      for (const one of problems) by.set(one.sentence, [...(by.get(one.sentence) || []), one]);
      const lines = [...by].map(([sentence, ones]) => {
        const [{ key, label, variation }] = ones;
        if (isTable && key && ones.length > 1) return phrase("exp_wrong_column", { key, sentence });
        if (isTable && variation !== null) return phrase("exp_wrong_row", { row: variation + 1, key, sentence });
        const named = ones.length > 2 && key ? key : label || key;
        return named ? phrase("exp_wrong", { label: named, sentence }) : sentence;
      });
      const more = lines.length - MOST_PROBLEMS;
      return [...lines.slice(0, MOST_PROBLEMS), ...(more > 0 ? [phrase("exp_wrong_more", { count: more })] : [])].map((words) => make("li", {}, words));
    };

    /* The sheet, empty: cells that are clicked are left out. ------------------------------------------ */

    const tooMany = () => phrase("exp_too_many", { count: told.count.toLocaleString(lang), most: told.most.toLocaleString(lang) });
    let matrix = []; // buttons by row and column, labels among them
    let gridKey = "";
    const skips = () => new Set(plan.skip.map((labels) => JSON.stringify(labels)));
    const drawGrid = () => {
      const ready = told && told.count && told.count <= told.most && told.axes.every((one) => one.labels.length);
      const key = JSON.stringify([ready && told.axes, page, lang, told?.count > told?.most]);
      if (key === gridKey) return drawSkips();
      gridKey = key;
      matrix = [];
      if (!ready) {
        const isMany = told && told.count > told.most;
        const words = isMany ? tooMany() : say("exp_sheet_none");
        parts.sheet.replaceChildren(make("p", { class: isMany ? "exp-refused" : "exp-said" }, words));
        return;
      }
      const { axes } = told;
      const [columns, rows, pages] = [...axes].reverse();
      if (page >= (pages?.labels.length || 1)) page = 0;
      const hint = make("p", { class: "exp-hint" }, say("exp_sheet_hint"));
      parts.skipped = make("span", { class: "exp-skipped" });
      const top = make("div", { class: "exp-sheet-head" }, make("h3", {}, say("exp_sheet")), hint, parts.skipped);
      parts.sheet.replaceChildren(top, ...(pages ? [pageTabs(pages)] : []), rows ? gridOf(columns, rows, pages) : flowOf(columns));
      matrix.flat().filter(Boolean).forEach((button, index) => (button.tabIndex = index ? -1 : 0));
      drawSkips();
    };
    const pageTabs = (pages) => {
      const tabs = pages.labels.slice(0, 100).map((label, index) =>
        make("button", { type: "button", role: "tab", "aria-selected": String(index === page), tabindex: index === page ? "0" : "-1", title: label, onclick: () => {
          page = index;
          drawGrid();
          parts.sheet.querySelector("[role=tab][aria-selected=true]")?.focus();
        } }, label || "—"));
      const list = make("div", { class: "exp-pages", role: "tablist", "aria-label": pages.title }, make("span", { class: "exp-axis-title" }, pages.title), ...tabs);
      list.addEventListener("keydown", (event) => {
        const to = { ArrowRight: page + 1, ArrowLeft: page - 1 }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        tabs[(to + tabs.length) % tabs.length].click();
      });
      return list;
    };
    const cellOf = (labels) => pressable("exp-cell", { "aria-label": phrase("exp_skip_one", { label: labels.map((one) => one || "—").join(", ") }), "data-labels": JSON.stringify(labels), title: labels.map((one) => one || "—").join("\n") });
    const headOf = (label, words, all) => {
      const button = pressable("exp-label", { "aria-label": phrase(words, { label: label || "—" }), title: label, "data-all": "" }, make("span", {}, label || "—"));
      button.all = all;
      return button;
    };
    const flowOf = (columns) => {
      const shown = columns.labels.slice(0, MOST_DRAWN_CELLS);
      matrix = [shown.map((label) => cellOf([label]))];
      const items = shown.map((label, index) => make("li", {}, matrix[0][index], make("span", { class: "exp-flow-label", title: label }, label || "—")));
      return make("div", { class: "exp-flow" }, make("span", { class: "exp-axis-title" }, columns.title), make("ul", { onclick: clicked, onkeydown: moved }, ...items), columns.count > shown.length ? make("p", { class: "exp-hint" }, phrase("exp_cut_flow", { count: shown.length })) : "");
    };
    const gridOf = (columns, rows, pages) => {
      const across = columns.labels.slice(0, MOST_COLUMNS);
      const down = rows.labels.slice(0, Math.max(1, Math.floor(MOST_DRAWN_CELLS / across.length)));
      const before = pages ? [pages.labels[page]] : [];
      const every = columns.labels; // also those that are not drawn
      const head_ = across.map((label) => headOf(label, "exp_skip_column", rows.labels.map((row) => [...before, row, label])));
      const lines = down.map((label) => [headOf(label, "exp_skip_row", every.map((column) => [...before, label, column])), ...across.map((column) => cellOf([...before, label, column]))]);
      matrix = [[null, ...head_], ...lines];
      const corner = make("td", { class: "exp-corner" }, make("span", {}, columns.title), make("span", {}, rows.title));
      const top = make("tr", {}, corner, ...head_.map((button) => make("th", { scope: "col" }, button)));
      const body = lines.map(([label, ...cells]) => make("tr", {}, make("th", { scope: "row" }, label), ...cells.map((cell) => make("td", {}, cell))));
      const isCut = down.length < rows.count || across.length < columns.count;
      return make("div", { class: "exp-grid" }, make("div", { class: "exp-scroll", onclick: clicked, onkeydown: moved }, make("table", {}, make("thead", {}, top), make("tbody", {}, ...body))),
        isCut ? make("p", { class: "exp-hint" }, phrase("exp_cut", { rows: down.length, columns: across.length })) : "");
    };
    const clicked = (event) => {
      const button = event.target.closest(".exp-cell, .exp-label");
      if (!button) return;
      const now = skips();
      const places = button.all || [JSON.parse(button.dataset.labels)];
      const keys = places.map((labels) => JSON.stringify(labels));
      const isOut = keys.every((key) => now.has(key));
      for (const key of keys) isOut ? now.delete(key) : now.add(key);
      plan.skip = [...now].map((key) => JSON.parse(key));
      focusCell(button);
      drawSkips();
      drawFoot();
      changed();
    };
    const focusCell = (button) => {
      for (const one of matrix.flat()) if (one) one.tabIndex = one === button ? 0 : -1;
      button.focus({ preventScroll: false });
    };
    const moved = (event) => {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      if (!step) return;
      const row = matrix.findIndex((one) => one.includes(event.target));
      const column = row < 0 ? -1 : matrix[row].indexOf(event.target);
      const to = row < 0 ? null : matrix[row + step[0]]?.[column + step[1]];
      if (row < 0) return;
      event.preventDefault();
      if (to) focusCell(to);
    };
    const drawSkips = () => {
      if (!matrix.length) return;
      const now = skips();
      for (const button of matrix.flat()) {
        if (!button) continue;
        const isOut = button.all ? button.all.every((labels) => now.has(JSON.stringify(labels))) : now.has(button.dataset.labels);
        button.setAttribute("aria-pressed", String(isOut));
      }
      const count = skipped();
      parts.skipped.replaceChildren(...(count ? [phrase("exp_skipped", { count }), " ", pressable("link", { onclick: () => {
        plan.skip = [];
        drawSkips();
        drawFoot();
        changed();
      } }, say("exp_unskip_all"))] : []));
    };
    /* Places that are no more on the sheet do not count. */
    const skipped = () => {
      const labels = (told?.axes || []).map((one) => new Set(one.labels));
      return plan.skip.filter((place) => place.length === labels.length && place.every((label, index) => labels[index].has(label))).length;
    };

    /* What all pictures share ------------------------------------------------------------------------- */

    const drawRest = () => {
      const differs = !plan.basedOn && main.slug === template && plan.life === LIFE && !sameValues(main.values, plan.values);
      const to = pressable("link", { onclick: toForm }, say("exp_to_form"));
      parts.shared = make("dl", { class: "exp-shared" });
      parts.seed = make("p", { class: "exp-hint" });
      parts.sharedWrong = make("ul", { class: "exp-problems" });
      const take = make("p", { class: "exp-note" }, say("exp_form_differs"), " ", pressable("link", { onclick: () => {
        plan.values = { ...main.values };
        save();
        load();
      } }, say("exp_take_form")));
      parts.rest.replaceChildren(make("div", { class: "exp-sheet-head" }, make("h3", {}, say("exp_rest")), to), ...(differs ? [take] : []), parts.sharedWrong, parts.shared, parts.seed);
      drawShared();
    };
    const sameValues = (one, other) => [...new Set([...Object.keys(one), ...Object.keys(other || {})])].every((key) => alike(one[key] ?? null, other?.[key] ?? null));
    const drawShared = () => {
      const varied = new Set([...asked().map((axis) => axis.key), ...(told?.axes || []).flatMap((one) => one.keys || [])]);
      const seeds = new Set(info.inputs.filter((one) => one.way === "seeds").map((one) => one.key));
      const rows = info.says.filter(([key]) => !seeds.has(key) && !varied.has(key));
      parts.shared.replaceChildren(...rows.flatMap(([, label, text]) => [make("div", {}, make("dt", {}, label), make("dd", { title: text }, text))]));
      setText(parts.seed, told?.seed || "");
      const own = (told?.problems || []).filter((one) => one.axis === null && one.key);
      parts.sharedWrong.replaceChildren(...own.map((one) => make("li", {}, phrase("exp_wrong", { label: info.inputs.find((each) => each.key === one.key)?.label || one.key, sentence: one.sentence }))));
    };
    /* The form remembers what it said as long as the page is there; after that the plan tells it. */
    const toForm = () => {
      if (plan.basedOn || plan.life !== LIFE) {
        plan.life = LIFE;
        save(false);
        bridge.act({ action: "fill", template, values: info.values, name: plan.name || plan.basedOnName || say("exp_plan") });
        return;
      }
      if (main.slug !== template) choose(template);
      openTab("create");
    };

    /* Go ---------------------------------------------------------------------------------------------- */

    const drawFoot = () => {
      drawShared();
      const count = told ? told.count - skipped() : 0;
      const general = (told?.problems || []).filter((one) => one.axis === null && !one.key);
      const isRight = told && !told.problems.length && count > 0;
      const isBlank = asked().some(isEmpty);
      setText(parts.outlook, isRight && told.outlook ? [tally("exp_runs", count), ...told.outlook].join(" · ") : "");
      setText(parts.much, isRight ? [told.much, told.outlook && asked().length ? say("exp_turn") : ""].filter(Boolean).join(" ") : "");
      parts.much.classList.toggle("is-much", Boolean(isRight && told.much));
      const isMany = told?.count > told?.most;
      setText(parts.wrong, problem || (isMany ? tooMany() : general.map((one) => one.sentence).join(" ")) || (told?.problems.length && !isBlank ? say("exp_fix") : ""));
      setText(parts.make, count > 0 && count <= (told?.most || 0) && isRight ? tally("exp_make", count) : say("exp_make_none"));
      parts.make.disabled = !isRight || isMaking;
      parts.make.setAttribute("aria-busy", String(isMaking));
      parts.name.placeholder = nameOf();
    };
    /* By what varies, and over which words: a list of "Seed" and "Seed" is no list. */
    const nameOf = () => {
      const varied = new Set(asked().map((axis) => axis.key));
      // The prompt comes first among the texts; the negative one names nothing.
      const prompt = info.inputs.find((one) => one.way === "texts");
      const text = prompt && !varied.has(prompt.key) ? prompt.now || "" : "";
      const axes = (told?.axes || []).map((one) => one.title).join(" × ") || plan.title || "";
      return text && varied.size ? phrase("exp_part", { label: axes, part: text.length > 48 ? `${text.slice(0, 47).trimEnd()}…` : text }) : axes;
    };

    const makeAll = async () => {
      if (isMaking) return;
      // What was typed last may not be read yet: nobody gets another number of pictures than the button said.
      const said = parts.make.textContent;
      if (JSON.stringify(forAll()) !== tellAs) await read();
      if (parts.make.textContent !== said || parts.make.disabled) return;
      isMaking = true;
      drawFoot();
      const answer = await answered(fetch("experiments", { method: "POST", body: JSON.stringify({ plan: forAll(), name: plan.name.trim() || nameOf(), lang }) }));
      isMaking = false;
      if (answer.id) {
        discard(template);
        openExperiment(answer.id);
        return;
      }
      problem = answer.error || "";
      if (answer.problems) told.problems = answer.problems;
      drawTold();
      parts.wrong.scrollIntoView({ block: "nearest" });
    };

    box.append(head(), make("p", { class: "exp-said", role: "status" }, "…"));
    load();
    return {
      close: () => {
        clearTimeout(timer);
        asking?.abort();
      },
      seen: () => {
        const now = planOf(template);
        if (now && !alike(now.values, plan.values)) {
          plan = now;
          load();
        } else if (info) drawRest();
      },
    };
  };

  return { draw, begin, beginOver, discard, unfinished: () => kept().find((one) => one.isTouched) };
})();

/* A plan over given values: a form's, or those of an experiment that is repeated with changes. `axes` and
   `skip` as python has them; with `basedOn` alone they are asked for. */
const planExperiment = (given) => {
  planning.begin(given);
  experiments.go([["plan", given.template]]);
};

/* The form as it stands, varied. */
const varyForm = () => {
  if (!main.slug) return;
  planning.beginOver(main.slug, { ...main.values });
  experiments.go([["plan", main.slug]]);
};

document.addEventListener("click", (event) => event.target.closest("#vary:not([disabled])") && varyForm());
