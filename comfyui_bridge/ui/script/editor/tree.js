/* The tree: everything in the workflow */

const drawTree = () => {
  const box = editor.root?.querySelector(".ed-tree");
  if (!box) return;
  const { tree } = editor.opened;
  const search = make("input", { type: "search", class: "shelf-search", placeholder: say("ed_find_input"), "aria-label": say("ed_find_input") });
  const list = make("ul", { class: "ed-nodes" }, ...tree.nodes.map(drawNode));
  search.addEventListener("input", () => filterTree(list, search.value));
  box.replaceChildren(make("p", { class: "ed-hint" }, say("ed_tree_hint")), tree.nodes.length > 6 ? search : "", list);
  drawTicks();
};

const drawNode = (node) => {
  const inputs = make("ul", { class: "ed-inputs" });
  const fold = make("details", { class: "ed-node", "data-said": `${node.title} ${node.class_type} ${node.id} ${node.inputs.join(" ")}`.toLowerCase(), "data-node": node.id },
    make("summary", {}, make("span", { class: "name" }, node.title), make("span", { class: "where" }, node.class_type === node.title ? `#${node.id}` : `${node.class_type} · #${node.id}`), make("span", { class: "count" })),
    inputs);
  // Drawn when it is opened, for a workflow may have thousands.
  const draw = () => {
    if (inputs.childNodes.length) return;
    for (const id of node.inputs) inputs.append(drawInput(id));
    if (node.linked.length) inputs.append(make("li", { class: "ed-linked" }, fill("ed_linked", { names: node.linked.join(", ") })));
    drawTicks();
  };
  fold.addEventListener("toggle", () => {
    if (fold.open) draw();
    editor.openNodes[fold.open ? "add" : "delete"](node.id);
  });
  if (editor.openNodes.has(node.id)) fold.open = true;
  return make("li", {}, fold);
};

const drawInput = (id) => {
  const own = editor.opened.tree.inputs[id];
  const control = make("input", { type: "checkbox", "data-place": id, "aria-description": own.why });
  control.addEventListener("change", () => tick(own.node, own.input, control.checked));
  return make("li", {}, make("label", { class: "ed-check", title: own.why }, control, make("span", { class: "name" }, own.input), make("span", { class: "value" }, own.value), make("span", { class: "type" }, own.type)));
};

const drawTicks = () => {
  const on = new Set(editor.draft.rows.map(idOf));
  for (const control of editor.root?.querySelectorAll(".ed-inputs input[type=checkbox]") || []) control.checked = on.has(control.dataset.place);
  for (const fold of editor.root?.querySelectorAll(".ed-node") || []) {
    const node = nodeOf(fold.dataset.node);
    const ticked = node.inputs.filter((id) => on.has(id)).length;
    setText(fold.querySelector(".count"), node.inputs.length ? fill("ed_count", { count: ticked, all: node.inputs.length }) : "");
    fold.classList.toggle("has-ticked", ticked > 0);
  }
};

const filterTree = (list, text) => {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const fold of list.querySelectorAll(".ed-node")) {
    fold.parentElement.hidden = !wanted.every((word) => fold.dataset.said.includes(word));
    if (wanted.length && !fold.parentElement.hidden) fold.open = true;
  }
};
