/* A template as a whole */

const duplicate = async () => {
  const told = await askLibrary("duplicate", { slug: editor.slug });
  if (told.error) return drawBar(told.error, "bad");
  editor.lookAgain?.();
  return openTemplate(told.slug);
};

const rename = () => {
  const control = make("input", { class: "ed-control", id: "ed-new-name", autocomplete: "off", spellcheck: "false" });
  control.value = editor.slug;
  const go = async () => {
    const { slug } = editor;
    const told = await askLibrary("rename", { slug, name: control.value });
    if (told.error) {
      askAboveSays(told.error);
      return;
    }
    const kept = keptDraft(slug);
    keepDraft(slug, null);
    keepDraft(told.slug, kept);
    Object.assign(editor, { slug: "", opened: null, draft: null });
    editor.lookAgain?.();
    openTemplate(told.slug);
  };
  control.addEventListener("keydown", (event) => event.key === "Enter" && go());
  askAbove("rename", say("ed_rename_title"), make("p", {}, say("ed_rename_hint")), make("div", { class: "ed-field" }, make("label", { for: "ed-new-name" }, say("ed_new_name")), control), make("div", { class: "action-row" }, answer(say("ed_rename"), go, true), cancel()));
  control.focus();
  control.select();
};
const askAboveSays = (said) => {
  const box = editor.root.querySelector(".ed-ask");
  box?.querySelector(".field-error")?.remove();
  box?.append(make("p", { class: "field-error", role: "alert" }, said));
};

const remove = async () => {
  const { slug } = editor;
  const told = await askLibrary("delete", { slug });
  if (told.error) return drawBar(told.error, "bad");
  Object.assign(editor, { slug: "", opened: null, draft: null, aside: null });
  drawNothing();
  showStep("choose");
  editor.lookAgain?.();
  markShelf();
  return tell(fill("ed_deleted", { title: told.title }), say("ed_undo"), async (line) => {
    const back = await askLibrary("restore", { token: told.token });
    line.remove();
    if (back.error) tell(back.error);
    else {
      editor.lookAgain?.();
      openTemplate(back.slug);
    }
  });
};

/* A line that stays until it is answered or put away. */
const tell = (said, words = "", act = null) => {
  let lines = byId("ed-told");
  if (!lines) {
    lines = make("div", { id: "ed-told", role: "status" });
    byId("templates").append(lines);
  }
  const line = make("div", { class: "ed-told" }, make("p", {}, said));
  if (act) line.append(make("button", { type: "button", class: "link", onclick: () => act(line) }, words));
  line.append(make("button", { type: "button", class: "shut", "aria-label": say("close"), onclick: () => line.remove() }, "×"));
  lines.append(line);
};

/* Covers */

const chooseCover = async () => {
  const { slug } = editor;
  const pictures = make("ul", { class: "ed-results" }, make("li", { class: "ed-hint" }, say("ed_loading")));
  const file = make("input", { type: "file", accept: "image/*", class: "off-screen", id: "ed-cover-file" });
  const done = (told) => {
    if (told.error) return askAboveSays(told.error);
    editor.opened.cover = told.cover;
    closeAsk();
    editor.root.querySelector(".ed-cover")?.replaceWith(drawCover());
    return editor.lookAgain?.();
  };
  file.addEventListener("change", async () => {
    const [picture] = file.files;
    if (picture) done(await answerOf(fetch(`library/${encodeURIComponent(slug)}/cover?lang=${lang}`, { method: "POST", body: picture })));
  });
  askAbove("cover", say("ed_cover_title"), pictures, make("div", { class: "action-row" }, file, make("label", { class: "action", for: "ed-cover-file" }, say("ed_cover_file")), cancel()));
  const told = await askAtOnce("results", { slug });
  const shownNow = (told.results || []).map((one) =>
    make("li", {}, make("button", { type: "button", class: "tile", "aria-label": fill("ed_cover_from", { title: one.title }), onclick: async () => done(await askLibrary("cover", { slug, run: one.run, name: one.name })) },
      make("span", { class: "thumb" }, make("img", { src: one.url, alt: "", loading: "lazy" })))));
  pictures.replaceChildren(...(shownNow.length ? shownNow : [make("li", { class: "ed-hint" }, told.error || say("ed_no_results"))]));
};
