/* How an axis is written ----------------------------------------------------------------------------
   An editor for each kind of axis: it gives its parts, and what it draws of python's answer. */

/* A field with its label, and what there is to say of it. */
let planFields = 0;
const planField = (label, control, hint = "", input = control) => {
  input.id = input.id || `exp-field-${(planFields += 1)}`;
  return make("div", { class: "field" }, make("label", { class: "field-label", for: input.id }, label), control, hint ? make("p", { class: "field-hint" }, hint) : "");
};

const axisEditor = (desk, axis, of) => {
  const MOST_TEXTS = 5; // that are read out under their field
  const line = (name, attributes = {}) => {
    const input = make("input", { type: "text", class: "box", autocomplete: "off", spellcheck: "false", value: axis[name] || "", ...attributes });
    input.addEventListener("input", () => {
      axis[name] = input.value;
      desk.changed();
    });
    return input;
  };
  const amountOf = (least) => {
    const input = make("input", { type: "number", class: "box exp-number", min: least, max: 10000, step: 1, inputmode: "numeric", value: axis.number });
    input.addEventListener("input", () => {
      axis.number = Math.max(0, Math.trunc(Number(input.value) || 0));
      desk.changed();
    });
    return input;
  };
  const others = () => pressable("action", { onclick: () => {
    axis.start = draws();
    desk.changed();
  } }, say("exp_draw_others"));
  const joined = (labels) => [make("p", { class: "exp-values" }, labels.slice(0, 60).join(" · "))];

  const EDITORS = {
    values: () => {
      const isNumber = ["numbers", "seeds"].includes(of.way);
      const limits = of.limits ? phrase("exp_limits", { limits: of.limits }) : "";
      const hint = [isNumber ? say("exp_numbers_hint") : say("exp_words_hint"), limits].filter(Boolean).join(" ");
      return { parts: [planField(say("exp_values"), line("text", { placeholder: isNumber ? "20,30,40" : "" }), hint)], tell: joined };
    },
    seeds: () => {
      const count = amountOf(1);
      return { parts: [planField(say("exp_how_many"), make("div", { class: "exp-pair" }, count, others()), "", count)] };
    },
    texts: () => {
      const box = make("textarea", { class: "box", rows: 4, spellcheck: "false" });
      box.style.setProperty("--lines", 4);
      box.value = axis.text || "";
      box.addEventListener("input", () => {
        axis.text = box.value;
        desk.changed();
      });
      const names = desk.info.lists?.length ? ` ${phrase("exp_lists", { names: desk.info.lists.map((name) => `__${name}__`).join(", ") })}` : "";
      const number = amountOf(1);
      const some = make("div", { class: "exp-pair" }, number, others());
      number.setAttribute("aria-label", say("exp_how_many"));
      const both = twoWords({ on: say("exp_all"), off: say("exp_some") }, (isAll) => {
        axis.number = isAll ? 0 : axis.number || 8;
        number.value = axis.number;
        some.hidden = isAll;
        desk.changed();
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
      return { parts: [planField(say("exp_texts"), box, say("exp_texts_hint") + names), combined], tell };
    },
    replace: () => ({
      parts: [planField(say("exp_find"), line("find", { placeholder: "red" })), planField(say("exp_by"), line("text", { placeholder: "green, blue" }), say("exp_replace_hint"))],
      tell: joined,
    }),
    choices: () => ({ parts: [tickList(desk, axis, of, { first: of.none ? [["", of.none]] : [] })] }),
    presets: () => ({ parts: desk.info.presets.length ? [tickList(desk, axis, { options: desk.info.presets })] : [make("p", { class: "field-hint" }, say("exp_presets_none"))] }),
    table: () => tableEditor(desk, axis),
    files: () => filesEditor(desk, axis, of),
    stacks: () => setsEditor(desk, axis, of),
  };
  return (EDITORS[["files", "stacks"].includes(of.way) ? of.way : axis.kind] || EDITORS.values)();
};
