/* What a cell of a sheet was made with is taken on: into the form, as a preset, as the template's defaults --- */

const sheetPromoting = (sheet) => {
  const promote = (index) => {
    const cell = sheet.cells[index];
    if (!cell?.run || cell.state !== "completed") return sheet.foot.note(say("sh_no_picture"));
    const go = (words, hint, act) => pressable("place", { onclick: () => (box.close(), act()) }, make("b", {}, say(words)), make("span", {}, say(hint)));
    const list = make("ul", { class: "place-list cs-promote" });
    const form = go("sh_promote_form", "sh_promote_form_hint", () => {
      document.querySelector("dialog.lightbox[open]")?.close();
      bridge.act({ action: "values", run: cell.run });
    });
    const preset = go("sh_promote_preset", "sh_promote_preset_hint", () => nameOfPreset({ run: cell.run, named: sheet.labelsOf(index).join(", ").slice(0, 60), kept: sheet.foot.note }));
    const default_ = pressable("place", { "aria-expanded": "false", onclick: () => openDefaults(list, default_, cell, () => box.close()) }, make("b", {}, say("sh_promote_default")), make("span", {}, say("sh_promote_default_hint")));
    list.append(...(sheet.now.is_there ? [form, preset, default_] : [form]).map((one) => make("li", {}, one)));
    const title = phrase("sh_promote_title", { labels: sheet.captionOf(index) || sheet.nameOf(index) });
    const box = openWindow(title, make("span", { class: "cs-promote-picture" }, sheet.hasPicture(cell) ? make("img", { src: `${sheet.fileOf(cell)}?size=256`, alt: "" }) : ""), list);
    box.classList.add("cs-window");
    list.querySelector("button").focus();
  };

  /* Which of the values that the sheet varies; a seed only if somebody says so. */
  const openDefaults = async (list, button, cell, close) => {
    const { defaults, undefaulted } = sheet.whole;
    const isOpen = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!isOpen));
    list.querySelector(".cs-defaults")?.remove();
    if (isOpen) return;
    const box = make("div", { class: "cs-defaults" });
    button.after(box);
    const never = undefaulted.length ? [make("p", { class: "quiet" }, phrase("sh_undefaulted", { labels: undefaulted.join(", ") }))] : [];
    if (!defaults.length) return box.append(...(never.length ? never : [make("p", { class: "quiet" }, say("sh_no_defaults"))]));
    const told = await answered(fetch(`results/${encodeURIComponent(cell.run)}?lang=${lang}`));
    const said = new Map((told.values || []).map((one) => [one.key, one.text]));
    const lines = defaults.filter((one) => said.has(one.key)).map((one, place) => {
      const tick = make("input", { type: "checkbox", id: `cs-default-${place}`, value: one.key, checked: !one.seed || defaults.length === 1 });
      return make("label", { class: "switch", for: tick.id }, tick, make("b", {}, one.label), make("span", {}, said.get(one.key)));
    });
    const go = pressable("action main", { onclick: async () => {
      const keys = [...box.querySelectorAll("input:checked")].map((tick) => tick.value);
      if (!keys.length || !(await sheet.tell("default", { cells: [cell.index], keys }))) return;
      close();
      sheet.foot.note(say("sh_promoted"));
    } }, say("sh_promote_default_go"));
    box.append(...lines, ...never, go);
  };

  return promote;
};
