/* An axis that is a table ---------------------------------------------------------------------------
   CSV whose first row names inputs: typed, pasted out of a spreadsheet, or dropped as a file. */

const tableEditor = (desk, axis) => {
  const box = make("textarea", { class: "box exp-csv", rows: 5, spellcheck: "false", "data-takes-files": "", placeholder: tableExample(desk.info.inputs) });
  box.style.setProperty("--lines", 5);
  box.value = axis.text || "";
  const put = (text) => {
    box.value = axis.text = text;
    desk.changed();
  };
  const take = async (file) => file && put(asCsv(await file.text()));
  box.addEventListener("input", () => {
    axis.text = box.value;
    desk.changed();
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
  const keys = desk.info.inputs.filter((one) => !one.group).slice(0, 3).map((one) => one.key).join(", ");
  const tell = (labels, count, shown, problems) => (shown.keys?.length && count ? [tableRead(shown, count, problems)] : []);
  return { parts: [planField(say("exp_table_label"), box, phrase("exp_table_hint", { keys })), make("div", {}, pressable("action", { onclick: () => file.click() }, say("exp_table_file")), file)], tell };
};

const tableExample = (inputs) => {
  const [one, other] = inputs.filter((each) => !each.group && ["texts", "numbers"].includes(each.way));
  return [one, other].filter(Boolean).map((each) => each.key).join(",") || "prompt,steps";
};

/* A spreadsheet puts tabs between its cells. */
const asCsv = (text) => {
  const head_ = text.split("\n", 1)[0];
  if (!head_.includes("\t") || head_.includes(",")) return text;
  const quoted = (cell) => (/[",]/.test(cell) && !/^".*"$/s.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  return text.replaceAll("\r\n", "\n").split("\n").map((row) => row.split("\t").map(quoted).join(",")).join("\n");
};

/* The table as python read it, what is wrong in it marked. */
const tableRead = ({ keys, rows }, count, problems) => {
  const MOST_ROWS = 50;
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
