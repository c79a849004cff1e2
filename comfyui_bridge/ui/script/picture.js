/* Pictures people choose --------------------------------------------------------------------------
   A value is the mark of a file in our keeping: its key and its own name. */

const MARK = "__upload__";
const keyOf = (held) => held?.[MARK] || "";
const pictureUrl = (held, size, part = "") => `uploads/${encodeURIComponent(keyOf(held))}${part}?size=${size}`;

const send = async (url, body) => {
  const answer = await fetch(url, { method: "POST", body });
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer.json();
};

/* A place for a picture: choose, drop or paste one, look at it, paint a mask on it, take it away. */
const pictureField = ({ id, label, value, words, paints = false, changed }) => {
  let held = value || null;
  let stands = null; // the server's own picture, where nobody chose one: its name, address and words
  let turn = 0;
  const file = make("input", { type: "file", accept: "image/*", id, class: "picture-file", tabindex: "-1", "aria-hidden": "true" });
  const choose = make("button", { type: "button", class: "picture-drop", "aria-label": `${label}: ${words.choose}` });
  const image = make("img", { class: "picture-image", alt: "", draggable: "false" });
  const mask = make("img", { class: "picture-mask", alt: "", draggable: "false" });
  const empty = make("span", { class: "picture-empty", "data-testid": "upload-text" }, words.drop);
  const named = make("span", { class: "picture-name" });
  const paint = make("button", { type: "button", class: "picture-paint" }, words.paint);
  const other = make("button", { type: "button", class: "picture-other" }, words.another);
  const remove = make("button", { type: "button", class: "picture-remove" }, words.remove_picture);
  const bar = make("div", { class: "picture-bar" }, paint, other, remove, named);
  const box = make("div", { class: "picture", "data-testid": "image" }, choose, file, bar);

  const draw = () => {
    const key = keyOf(held);
    choose.replaceChildren(...(key ? [image, ...(paints ? [mask] : [])] : stands ? [image] : [empty]));
    choose.title = key || stands ? words.another : "";
    box.classList.toggle("has-picture", Boolean(key || stands));
    if (key) {
      image.src = pictureUrl(held, 512);
      image.alt = held.name;
      if (paints) mask.src = pictureUrl(held, 512, "/mask");
    }
    else if (stands) {
      image.src = stands.url;
      image.alt = stands.name;
    }
    bar.hidden = !key && !stands;
    paint.hidden = !paints;
    remove.hidden = !key;
    named.textContent = named.title = held?.name || stands?.said || "";
    if (held && !key) wrong(words.unreadable.replace("{name}", held.name));
  };
  const field = () => box.closest("[id^=input-]");
  const wrong = (sentence) => requestAnimationFrame(() => field() && markField(field(), sentence));
  const take = (now) => {
    held = now;
    draw();
    changed(held);
  };
  const upload = async (chosen) => {
    if (!chosen) return;
    const mine = ++turn;
    box.classList.add("is-busy");
    try {
      const now = await send(`uploads?name=${encodeURIComponent(chosen.name || "picture.png")}`, chosen);
      if (mine === turn) take(now);
    } catch (error) {
      // It stays a wrong value, so that nothing runs with another picture than the one that was meant.
      if (mine === turn) {
        take({ [MARK]: "", name: chosen.name });
        wrong(whyFailed(error));
      }
    } finally {
      if (mine === turn) box.classList.remove("is-busy");
    }
  };
  file.addEventListener("change", () => {
    upload(file.files[0]);
    file.value = "";
  });
  file.addEventListener("input", (event) => event.stopPropagation());
  choose.addEventListener("click", () => file.click());
  other.addEventListener("click", () => file.click());
  remove.addEventListener("click", () => {
    turn += 1;
    take(null);
    choose.focus();
  });
  // What the server has and cannot show is named all the same.
  image.addEventListener("error", () => stands && !held && choose.replaceChildren(empty));
  paint.addEventListener("click", async () => {
    if (!held && stands) {
      const answer = await fetch(stands.url); // to be painted on it has to be ours
      if (!answer.ok) return;
      await upload(new File([await answer.blob()], stands.name.split("/").pop()));
    }
    if (keyOf(held)) openMaskPainter({ held, words, painted: (now) => (take(now), paint.focus()) });
  });
  box.addEventListener("dragover", (event) => {
    event.preventDefault();
    box.classList.add("is-over");
  });
  box.addEventListener("dragleave", () => box.classList.remove("is-over"));
  box.addEventListener("drop", async (event) => {
    event.preventDefault();
    box.classList.remove("is-over");
    const picture = [...event.dataTransfer.files].find((one) => one.type.startsWith("image/"));
    upload(picture || (await droppedFile(event.dataTransfer)));
  });
  box.addEventListener("paste", (event) => {
    const pasted = [...event.clipboardData.files].find((one) => one.type.startsWith("image/"));
    if (!pasted) return;
    event.preventDefault();
    upload(pasted);
  });
  draw();
  return Object.assign(box, {
    stand: (now) => {
      stands = now;
      draw();
    },
    hold: (now) => {
      if (keyOf(now) === keyOf(held) && now?.name === held?.name) return;
      held = now;
      draw();
    },
  });
};
