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
