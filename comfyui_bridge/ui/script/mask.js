/* Painting a mask ---------------------------------------------------------------------------------
   The canvas holds only where it was painted; the picture below is an image of its own, and the two are
   put together by Python, at the picture's full size. */

const MASK_COLOUR = "#ff2d6e";

/* Strokes on a canvas, which can be taken back: what is shown is always the former mask and all strokes. */
const maskOf = (canvas, former) => {
  const pen = canvas.getContext("2d");
  let done = [];
  let undone = [];
  const stroke = (one, from = 0) => {
    pen.globalCompositeOperation = one.erases ? "destination-out" : "source-over";
    pen.strokeStyle = pen.fillStyle = MASK_COLOUR;
    pen.lineCap = pen.lineJoin = "round";
    const points = one.points;
    for (let at = Math.max(from, 0); at < points.length; at += 1) {
      const [x, y, width] = points[at];
      const before = points[at - 1];
      pen.beginPath();
      if (before) {
        pen.lineWidth = width;
        pen.moveTo(before[0], before[1]);
        pen.lineTo(x, y);
        pen.stroke();
      } else {
        pen.arc(x, y, width / 2, 0, 2 * Math.PI);
        pen.fill();
      }
    }
  };
  const whole = { clear: () => pen.clearRect(0, 0, canvas.width, canvas.height) };
  whole.invert = () => {
    pen.globalCompositeOperation = "xor";
    pen.fillStyle = MASK_COLOUR;
    pen.fillRect(0, 0, canvas.width, canvas.height);
  };
  const again = () => {
    pen.globalCompositeOperation = "source-over";
    whole.clear();
    if (former) pen.drawImage(former, 0, 0, canvas.width, canvas.height);
    for (const one of done) one.points ? stroke(one) : whole[one.kind]();
  };
  again();
  return {
    begin: (erases) => {
      undone = [];
      done.push({ erases, points: [] });
    },
    extend: (point) => {
      const one = done.at(-1);
      one.points.push(point);
      stroke(one, one.points.length - 1);
    },
    act: (kind) => {
      undone = [];
      done.push({ kind });
      again();
    },
    undo: () => done.length && (undone.push(done.pop()), again()),
    redo: () => undone.length && (done.push(undone.pop()), again()),
    get canUndo() { return done.length > 0; },
    get canRedo() { return undone.length > 0; },
  };
};

const loaded = (url) =>
  new Promise((done, failed) => {
    const image = new Image();
    image.onload = () => done(image);
    image.onerror = () => failed(new Error(url));
    image.src = url;
  });

const openMaskPainter = ({ held, words, painted }) => {
  const button = (name, text, attributes = {}) =>
    make("button", { type: "button", class: `mask-${name}`, ...attributes }, text);
  const brush = button("brush", words.brush, { "aria-pressed": "true", title: "B" });
  const eraser = button("eraser", words.eraser, { "aria-pressed": "false", title: "E" });
  const size = make("input", { type: "range", class: "mask-size", min: 1, max: 40, step: 1, "aria-label": words.brush_size, title: "[  ]" });
  const undo = button("undo", words.undo, { title: "Ctrl+Z" });
  const redo = button("redo", words.redo, { title: "Ctrl+Shift+Z" });
  const invert = button("invert", words.invert);
  const clear = button("clear", words.clear);
  const cancel = button("cancel", words.cancel);
  const done = button("done", words.use_mask);
  const problem = make("p", { class: "mask-problem", role: "alert", hidden: true });
  const canvas = make("canvas", { class: "mask-canvas", tabindex: "0", role: "img", "aria-label": words.canvas });
  const image = make("img", { class: "mask-picture", alt: "" });
  const ring = make("div", { class: "mask-ring", hidden: true });
  const sheet = make("div", { class: "mask-sheet" }, image, canvas, ring);
  const dialog = make("dialog", { class: "mask-painter", "aria-label": words.paint },
    make("div", { class: "mask-tools" },
      make("div", { class: "mask-pair", role: "group", "aria-label": words.tool }, brush, eraser),
      make("label", { class: "mask-size-label" }, make("span", {}, words.brush_size), size),
      make("div", { class: "mask-acts" }, undo, redo, invert, clear)),
    ...(words.note ? [make("p", { class: "mask-note" }, words.note)] : []),
    make("div", { class: "mask-room" }, sheet),
    problem,
    make("div", { class: "mask-end" }, cancel, done));
  let mask = null;
  let erases = false;
  size.value = 12;

  const show = () => {
    undo.disabled = !mask?.canUndo;
    redo.disabled = !mask?.canRedo;
    done.disabled = !mask;
    brush.setAttribute("aria-pressed", String(!erases));
    eraser.setAttribute("aria-pressed", String(erases));
    sheet.classList.toggle("erases", erases);
  };
  const tell = (sentence) => {
    problem.textContent = sentence;
    problem.hidden = !sentence;
  };
  const width = () => (Math.max(canvas.width, canvas.height) * Number(size.value)) / 200;
  const at = (event) => {
    const { left, top, width: across, height } = canvas.getBoundingClientRect();
    return [((event.clientX - left) * canvas.width) / across, ((event.clientY - top) * canvas.height) / height];
  };
  const point = (event) => {
    const pressed = event.pointerType === "pen" && event.pressure > 0 ? 0.4 + 0.9 * event.pressure : 1;
    return [...at(event), width() * pressed];
  };
  const ringAt = (x, y) => {
    const { width: across } = canvas.getBoundingClientRect();
    const diameter = (width() * across) / canvas.width;
    ring.hidden = false;
    ring.style.width = ring.style.height = `${diameter}px`;
    ring.style.transform = `translate(${(x * across) / canvas.width - diameter / 2}px, ${(y * across) / canvas.width - diameter / 2}px)`;
  };
  const tool = (isEraser) => {
    erases = isEraser;
    show();
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (!mask || event.button > 0 && event.button !== 5) return;
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    mask.begin(erases || event.button === 5); // 5 is the far end of a pen
    mask.extend(point(event));
    show();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "touch") ringAt(...at(event));
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    const between = event.getCoalescedEvents?.() || [];
    for (const one of between.length ? between : [event]) mask.extend(point(one));
  });
  canvas.addEventListener("pointerleave", () => (ring.hidden = true));

  /* By keys: arrows move the ring, the space bar paints, with Shift held a line is drawn. */
  let cursor = null;
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!mask || !(by || event.key === " ") || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    cursor = cursor || [canvas.width / 2, canvas.height / 2];
    const stride = width() / 2;
    const before = [...cursor, width()];
    if (by) cursor = [cursor[0] + by[0] * stride, cursor[1] + by[1] * stride].map((v, i) => Math.max(0, Math.min(v, [canvas.width, canvas.height][i])));
    ringAt(...cursor);
    if (by && !event.shiftKey) return;
    mask.begin(erases);
    mask.extend(before);
    mask.extend([...cursor, width()]);
    show();
  });
  dialog.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && (key === "z" || key === "y")) {
      event.preventDefault();
      key === "y" || event.shiftKey ? mask?.redo() : mask?.undo();
    } else if (key === "b" || key === "e") tool(key === "e");
    else if (key === "[" || key === "]") size.value = Number(size.value) + (key === "]" ? 2 : -2);
    show();
  });
  brush.addEventListener("click", () => tool(false));
  eraser.addEventListener("click", () => tool(true));
  for (const [one, act] of [[undo, () => mask?.undo()], [redo, () => mask?.redo()], [invert, () => mask?.act("invert")], [clear, () => mask?.act("clear")]])
    one.addEventListener("click", () => (act(), show()));
  cancel.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  done.addEventListener("click", async () => {
    done.disabled = true;
    tell("");
    try {
      const content = await new Promise((taken) => canvas.toBlob(taken, "image/png"));
      const now = await send(`${pictureUrl(held, 0, "/mask")}&name=${encodeURIComponent(held.name)}`, content);
      dialog.close();
      painted(now);
    } catch (error) {
      tell(whyFailed(error));
      show();
    }
  });

  const open = async () => {
    const at = 2048; // as large as Python gives it
    try {
      const [picture, former] = await Promise.all([loaded(pictureUrl(held, at)), loaded(pictureUrl(held, at, "/mask"))]);
      image.src = picture.src;
      canvas.width = picture.naturalWidth;
      canvas.height = picture.naturalHeight;
      sheet.style.setProperty("--ratio", picture.naturalWidth / picture.naturalHeight);
      mask = maskOf(canvas, former);
      show();
      dialog.dataset.ready = "true";
    } catch {
      tell(words.unpaintable);
    }
  };
  // Gradio's css for narrow pages reaches no further up.
  document.querySelector(".gradio-container .contain").append(dialog);
  dialog.showModal();
  canvas.focus({ preventScroll: true });
  show();
  open();
};
