/* Recipes: their links, and the card of one ---------------------------------------------------- */

let focusedBefore = null; // what had the focus before a sheet lay over the page

/* A dialog over the page that has an address of its own; closing it brings the former one back. */
const openSheet = (name, title, query, ...tools) => {
  const former = byId("sheet");
  if (!former) focusedBefore = document.activeElement;
  // Whoever came by its address has no other entry to go back to.
  const isEntry = former ? laid.includes(former) : !namesSheet();
  const heading = make("h2", { tabindex: -1, autofocus: true }, title);
  const body = make("div", { class: "sheet-body" });
  const close = make("button", { type: "button", class: "sheet-close", "aria-label": say("close"), title: say("close"), onclick: () => sheet.close() }, "×");
  const head = make("header", { class: "sheet-head" }, heading, ...tools, close);
  const sheet = make("dialog", { id: "sheet", class: `sheet ${name}`, "aria-label": title }, head, body);
  sheet.addEventListener("click", (event) => event.target === sheet && sheet.close());
  sheet.addEventListener("close", () => {
    sheet.remove();
    if (!isEntry) writeAddress();
    focusedBefore?.focus?.();
  });
  document.querySelector(".gradio-container .contain").append(sheet);
  sheet.showModal();
  if (isEntry) layOver(sheet, query, former);
  else history.replaceState(null, "", query);
  former?.remove();
  return { sheet, body, heading };
};

/* What an address of ours answers; the sentence of a refusal is thrown. */
const answerOf = async (address) => {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer.json();
};

const copyText = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = make("textarea", { class: "off-screen", readonly: true }, text);
    (document.querySelector("dialog[open]") || document.body).append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
};

const runLine = (line) => [line.state, dated(line.at), line.took].filter(Boolean).join(" · ");

/* Who sees a run, where people sign in -------------------------------------------------------------
   `how` one's own run is shown to others: itself ("run"), with its sheet ("sheet"), or not at all (""); null
   where that is nobody's to decide. Whoever hands out a link wants it to be seen. */

const sharedNow = new Map(); // as the server said it here last, which is newer than what was looked at before
const howShared = (run, how) => (sharedNow.has(run) ? sharedNow.get(run) : how);
let askedToShare = Promise.resolve(); // one after the other, so that the last wish counts

const share = (run, isShared) => {
  const ask = () => answered(fetch(`runs/${encodeURIComponent(run)}/share?__lang=${lang}`, { method: "POST", body: JSON.stringify({ shared: isShared }) }));
  const told = askedToShare.then(ask);
  askedToShare = told;
  return told.then(({ shared, error }) => {
    if (!error) sharedNow.set(run, shared);
    const problem = error ? phrase(isShared ? "shared_not_done" : "shared_not_taken_back", { why: error }) : "";
    for (const line of document.querySelectorAll(`.shared-line[data-run="${CSS.escape(run)}"]`)) drawShared(line, problem || (shared === "" && say("shared_not_now")));
  });
};
/* A link to it was copied. */
const isToShare = (how) => how !== null && how !== undefined;
const shareByLink = (run, how) => isToShare(how) && share(run, true);

/* What others see of one's own run, with the way back; `said` in its place. */
const drawShared = (line, said = "") => {
  const how = howShared(line.dataset.run, line.dataset.how);
  const hadFocus = line.contains(document.activeElement);
  const words = said || { run: say("shared_run"), sheet: say("shared_sheet") }[how] || "";
  const back = how === "run" ? [pressable("link", { onclick: () => share(line.dataset.run, false) }, say("shared_only_me"))] : [];
  line.replaceChildren(make("span", { role: "status" }, words), ...back);
  line.hidden = !words;
  if (hadFocus) (back[0] || line).focus(); // keys go on to mean what one looks at
};
const sharedLine = (run, how) => {
  if (!isToShare(how)) return "";
  const line = make("div", { class: "shared-line", "data-run": run, "data-how": how, tabindex: "-1" });
  drawShared(line);
  return line;
};

/* A button that copies a run's recipe link; what the link leaves out is said beneath it. */
const recipeButton = (run, how) => {
  const told = make("p", { class: "recipe-told", role: "status", hidden: true });
  const button = make("button", { type: "button", class: "action", title: say(isToShare(how) ? "recipe_copy_shares" : "recipe_copy_hint"), onclick: async () => {
    try {
      const { link, note } = await answerOf(`runs/${encodeURIComponent(run)}/recipe?__lang=${lang}`);
      await copyText(new URL(link, location.origin + location.pathname).href);
      setText(button, say("recipe_copied"));
      setText(told, note);
      button.closest(".action-row")?.after(told);
      shareByLink(run, how);
    } catch (problem) {
      setText(told, problem.message);
      button.closest(".action-row")?.after(told);
    }
    told.hidden = !told.textContent;
    setTimeout(() => setText(button, say("recipe_copy")), 2000);
  } }, say("recipe_copy"));
  return button;
};

const workflowLink = (run) =>
  make("a", { class: "action", href: `runs/${encodeURIComponent(run)}.json`, download: `${run}.json`, title: say("recipe_workflow_hint") }, say("recipe_workflow"));

const openRecipe = async (query) => {
  const { sheet, body, heading } = openSheet("recipe", say("recipe"), query);
  const asked = new URLSearchParams(query);
  if (!asked.has("__lang")) asked.set("__lang", lang);
  try {
    const card = await answerOf(`recipe?${asked}`);
    setText(heading, card.title);
    sheet.setAttribute("aria-label", card.title);
    drawRecipe(body, card, sheet);
  } catch (problem) {
    body.replaceChildren(make("p", { class: "sheet-problem", role: "alert" }, say("recipe_failed").replace("{problem}", problem.message)));
  }
};

const drawRecipe = (body, card, sheet) => {
  const rows = (values) => make("dl", { class: "recipe-values" }, ...values.flatMap((one) => [make("dt", {}, one.label), make("dd", {}, one.text)]));
  const folded = card.values.filter((one) => one.folded);
  const shown = make("div", { class: "recipe-picture" });
  if (card.picture) {
    const image = make("img", { src: card.picture.small, alt: say("result_of").replace("{title}", card.title) });
    shown.append(make("a", { href: card.picture.url, target: "_blank", rel: "noopener" }, image));
  } else shown.append(make("p", { class: "no-picture" }, say("recipe_no_picture")));
  const said = make("div", { class: "recipe-said" });
  if (card.line) said.append(make("p", { class: "quiet" }, runLine(card.line)));
  for (const note of card.notes) said.append(make("p", { class: "notice" }, note));
  if (card.readiness) said.append(lacking(card.readiness));
  said.append(make("h3", {}, say("recipe_values")), rows(card.values.filter((one) => !one.folded)));
  if (folded.length) said.append(make("details", {}, make("summary", {}, `${say("recipe_more_values")} (${card.values.length})`), rows(folded)));
  if (card.models.length) said.append(make("h3", {}, say("recipe_models")), make("ul", { class: "recipe-models" }, ...card.models.map((name) => make("li", {}, name))));
  const acts = make("div", { class: "action-row sheet-acts" });
  if (card.fill) acts.append(make("button", { type: "button", class: "action main", title: say("recipe_open_hint"), onclick: () => {
    sheet.close();
    bridge.act({ action: "fill", ...card.fill });
  } }, say("recipe_open")));
  if (card.run) acts.append(make("a", { class: "action", href: `?run=${encodeURIComponent(card.run)}`, "data-run": card.run }, say("recipe_run")));
  if (card.workflow) acts.append(workflowLink(card.run));
  body.replaceChildren(shown, said, acts);
};

/* Whether this server could run it, and what it lacks. */
const lacking = (found) => {
  const line = make("div", { class: "recipe-ready", "data-tone": found.tone }, make("p", {}, make("span", { class: "dot" }), found.line));
  if (found.items.length) line.append(make("ul", {}, ...found.items.map((item) => make("li", {}, item.said))));
  return line;
};

/* The sheet that the address names. */
const openNamed = () => {
  const asked = new URLSearchParams(location.search);
  if (asked.get("view") === "recipe") openRecipe(location.search);
  else if (asked.get("compare")) openCompare(...asked.get("compare").split(","));
};

/* What leads out of a sheet closes it. */
document.addEventListener("click", (event) => {
  if (event.target.closest("#sheet a[data-run]") && !event.ctrlKey && !event.metaKey) byId("sheet").close();
}, true);
