/* The form as it will look: drawn as the form on Create is, and sent nowhere. */

const sheet = newSheet("sketch-");
let preview = null;

bridge.preview = (element) => {
  preview = element;
  drawPreview();
};

const drawPreview = () => {
  const { draft, opened, form } = editor;
  if (!preview) return;
  const [head, body] = preview.querySelectorAll(".preview-head, .form-body");
  preview.dataset.slug = draft && form ? editor.slug : "";
  if (!draft || !form) {
    head.replaceChildren(opened?.error_in_workflow ? make("p", { class: "ed-hint" }, say("ed_no_preview")) : "");
    body.replaceChildren();
    sheet.slug = "";
    return;
  }
  head.replaceChildren(make("h3", {}, draft.title || editor.slug), draft.description ? make("p", {}, draft.description) : "");
  sheet.since.clear(); // what a draft begins with is shown, and not what somebody tried
  drawSheet(sheet, body, { ...form, head: "" });
};
