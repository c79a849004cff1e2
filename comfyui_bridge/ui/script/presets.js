/* Presets ------------------------------------------------------------------------------------- */

const askPresets = (question, more = {}) =>
  answered(fetch("presets", { method: "POST", body: JSON.stringify({ ask: question, template: main.slug, lang, ...more }) }));

const presetList = make("ul", { class: "preset-list" });
const presetSaid = make("div", { class: "preset-said", role: "status" });
const presetName = make("input", { type: "text", class: "box", maxlength: "80", id: "preset-name" });
const presetShared = make("input", { type: "checkbox", id: "preset-shared" });
const presetKeep = make("button", { type: "button", class: "action main" });
const presetPanel = make("div", { class: "preset-panel", role: "dialog", id: "presets", hidden: true });
const presetButton = make("button", { type: "button", class: "bar-button preset-button", "aria-haspopup": "dialog", "aria-expanded": "false", "aria-controls": "presets" });

const presetOutside = (event) => {
  if (!presetPanel.contains(event.target) && !presetButton.contains(event.target)) openPresets(false);
};
const openPresets = async (is) => {
  if (is === !presetPanel.hidden) return;
  presetPanel.hidden = !is;
  presetButton.setAttribute("aria-expanded", String(is));
  (is ? document.addEventListener : document.removeEventListener).call(document, "pointerdown", presetOutside);
  if (!is) return;
  presetSaid.replaceChildren();
  presetName.placeholder = say("preset_name");
  presetName.setAttribute("aria-label", say("preset_name"));
  setText(presetKeep, say("preset_keep"));
  presetPanel.setAttribute("aria-label", say("presets"));
  presetPanel.replaceChildren(
    make("h3", {}, say("presets")),
    presetList,
    presetSaid,
    make("div", { class: "preset-new" }, presetName, presetKeep, make("label", { class: "switch", for: "preset-shared" }, presetShared, make("span", {}, say("preset_share")))),
  );
  presetList.replaceChildren();
  drawPresets(await askPresets("list"));
  (presetList.querySelector("button") || presetName).focus();
};

const drawPresets = ({ presets, error }) => {
  if (error) {
    presetSaid.replaceChildren(make("p", { class: "field-error" }, error));
    return false;
  }
  presetList.replaceChildren(...presets.map(drawPreset));
  if (!presets.length) presetList.append(make("li", { class: "quiet" }, say("preset_none")));
  return true;
};

const drawPreset = (one) => {
  const change = async (question, more) => drawPresets(await askPresets(question, { id: one.id, ...more }));
  const apply = () => {
    openPresets(false);
    presetButton.focus();
    bridge.act({ action: "preset", preset: one.id });
  };
  const takeOut = async () => {
    if (!(await change("delete"))) return;
    const back = make("button", { type: "button", class: "link", onclick: async () => {
      presetSaid.replaceChildren();
      await change("restore");
      presetList.querySelector(`[data-preset="${one.id}"] button`)?.focus();
    } }, say("preset_bring_back"));
    presetSaid.replaceChildren(make("p", {}, say("preset_deleted").replace("{name}", one.name), " ", back));
    back.focus();
  };
  const rename = () => {
    const field = make("input", { type: "text", class: "box", maxlength: "80", value: one.name, "aria-label": say("preset_name") });
    const done = async () => field.isConnected && field.value.trim() && (await change("rename", { name: field.value })) && presetList.querySelector(`[data-preset="${one.id}"] button`)?.focus();
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") done();
      if (event.key === "Escape") {
        event.stopPropagation();
        change("list");
      }
    });
    line.replaceChildren(field, make("button", { type: "button", class: "action", onclick: done }, say("preset_rename_go")));
    field.select();
  };
  const tool = (words, act) => make("button", { type: "button", class: "link", "aria-label": `${words}: ${one.name}`, onclick: act }, words);
  const marks = [one.shared ? say(one.own ? "preset_is_shared" : "preset_of_others") : "", one.unfit].filter(Boolean).join(" · ");
  const tools = one.own ? [tool(say("preset_rename"), rename), tool(say(one.shared ? "preset_unshare" : "preset_share_it"), () => change("share", { shared: !one.shared })), tool(say("preset_delete"), takeOut)] : [];
  const line = make("li", { "data-preset": one.id },
    make("button", { type: "button", class: "preset", onclick: apply }, make("b", {}, one.name), one.says ? make("span", {}, one.says) : "", marks ? make("span", { class: "preset-marks" }, marks) : ""),
    make("div", { class: "preset-tools" }, ...tools));
  return line;
};

const keepPreset = async () => {
  const name = presetName.value;
  if (!drawPresets(await askPresets("keep", { name, values: main.values, shared: presetShared.checked }))) return;
  presetName.value = "";
  presetShared.checked = false;
  presetSaid.replaceChildren(make("p", {}, say("preset_kept").replace("{name}", name.trim())));
};
presetKeep.addEventListener("click", keepPreset);
presetName.addEventListener("keydown", (event) => event.key === "Enter" && keepPreset());
presetButton.addEventListener("click", () => openPresets(presetPanel.hidden));
presetPanel.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  event.stopPropagation();
  openPresets(false);
  presetButton.focus();
});
formBar.append(presetButton, presetPanel);

/* What was saved is said on the line for that of the tab somebody is on. */
const sayKept = (sentence) => (byId("create")?.offsetParent ? sayNotice(sentence) : results.note(sentence));

/* A preset of a run, whose template's form need not be the one on the page. */
const nameOfPreset = ({ run, named = "", kept = sayKept }) => {
  const name = make("input", { type: "text", class: "box", maxlength: "80", value: named, placeholder: say("preset_name"), "aria-label": say("preset_name") });
  const shared = make("input", { type: "checkbox", id: "preset-of-run-shared" });
  const problem = make("p", { class: "field-error", role: "alert", hidden: true });
  const keep = async () => {
    const { error } = await askPresets("keep", { run, name: name.value, shared: shared.checked });
    if (!error) {
      box.close();
      kept(say("preset_of_run_kept").replace("{name}", name.value.trim()));
      return;
    }
    setText(problem, error);
    problem.hidden = false;
  };
  name.addEventListener("keydown", (event) => event.key === "Enter" && keep());
  const go = make("button", { type: "button", class: "action main", onclick: keep }, say("preset_keep"));
  const box = openWindow(say("preset_of_run"), make("p", { class: "quiet" }, say("preset_of_run_hint")), name, make("label", { class: "switch", for: shared.id }, shared, make("span", {}, say("preset_share"))), problem, make("div", { class: "action-row" }, go));
  name.focus();
};
