/* Readiness ---------------------------------------------------------------------------------- */

let toldMissing = new Set(); // the keys of the inputs of which the line says what is missing

bridge.readiness = (element, props, trigger, watch) => {
  const box = element.querySelector(".readiness");
  const ask = async (item, keep) => {
    await handIn(); // what was typed, before the form comes anew
    trigger("select", { slug: current, keys: item.keys, value: item.value, keep });
  };
  const row = (item) => {
    const line = make("li", {}, make("span", { class: "what" }, item.said));
    if (item.use) line.append(make("button", { type: "button", class: "action", onclick: () => ask(item, false) }, item.use));
    if (item.keep) line.append(make("button", { type: "button", class: "link", title: item.keep_hint, onclick: () => ask(item, true) }, item.keep));
    return line;
  };
  let drawn = "";
  const draw = () => {
    const key = JSON.stringify(props.value);
    if (key === drawn) return;
    drawn = key;
    const { tone, line, items = [], hint = "" } = props.value || {};
    toldMissing = new Set(items.flatMap((item) => item.keys || []));
    box.hidden = !line;
    if (!line) return;
    box.dataset.tone = tone;
    setText(box.querySelector(".said"), line);
    box.querySelector("summary").title = hint;
    box.querySelector("ul").replaceChildren(...items.map(row));
    box.classList.toggle("is-plain", !items.length);
    box.open = items.length > 0;
  };
  box.querySelector("summary").addEventListener("click", (event) => {
    if (box.classList.contains("is-plain")) event.preventDefault();
  });
  watch("value", draw);
  draw();
};

bridge.dots = (props, watch) => {
  putDots = () => {
    const { unknown = [], missing = {}, ready = "" } = props.value || {};
    if (!ready) return;
    const pending = new Set(unknown);
    for (const card of cardsOf()) {
      const slug = card.dataset.slug;
      const [tone, words] = pending.has(slug) ? ["", ""] : missing[slug] || ["ok", ready];
      let dot = card.querySelector(".ready-dot");
      if (!dot) {
        dot = make("span", { class: "ready-dot", role: "img" });
        card.append(dot);
      }
      if (dot.dataset.tone === tone) continue;
      dot.dataset.tone = tone;
      dot.title = words;
      dot.setAttribute("aria-label", words);
      dot.hidden = !tone;
    }
  };
  watch("value", putDots);
  putDots();
};
