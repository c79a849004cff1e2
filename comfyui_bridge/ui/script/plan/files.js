/* An axis of files ----------------------------------------------------------------------------------
   Several at once; two of one name get different ones, by which the sheet tells them apart. */

const filesEditor = (desk, axis, of) => {
  const chooser = make("input", { type: "file", multiple: true, accept: of.shows === "file" ? null : `${of.shows}/*`, class: "file-input", tabindex: "-1", "aria-hidden": "true" });
  const zone = pressable("file-zone exp-zone", { "data-takes-files": "", onclick: () => chooser.click() }, make("span", { class: "file-said" }, say("exp_files_drop")));
  const list = make("ul", { class: "exp-files" });
  const wrong = make("p", { class: "field-error", role: "alert", hidden: true });
  const free = (name) => {
    const names = new Set(axis.chosen.map(fileName));
    const [, stem, suffix] = /^(.*?)(\.[^.]*)?$/s.exec(name);
    for (let number = 1; ; number += 1) {
      const one = number === 1 ? name : `${stem} (${number})${suffix || ""}`;
      if (!names.has(one)) return one;
    }
  };
  const take = async (files) => {
    wrong.hidden = true;
    zone.classList.add("is-busy");
    for (const file of files) {
      try {
        const held = await upload(file, file.name, of.shows);
        axis.chosen = [...axis.chosen, { ...held, name: free(held.name) }];
        drawFiles();
        desk.changed();
      } catch (error) {
        setText(wrong, whyFailed(error));
        wrong.hidden = false;
      }
    }
    zone.classList.remove("is-busy");
  };
  chooser.addEventListener("change", () => {
    take([...chooser.files]);
    chooser.value = "";
  });
  zone.addEventListener("dragover", (event) => (event.preventDefault(), zone.classList.add("is-over")));
  zone.addEventListener("dragleave", () => zone.classList.remove("is-over"));
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    zone.classList.remove("is-over");
    const files = [...(event.dataTransfer?.files || [])];
    const one = files.length ? null : await droppedFile(event.dataTransfer);
    take(one ? [one] : files);
  });
  const drawFiles = () => {
    list.replaceChildren(...axis.chosen.map((value) => {
      const name = fileName(value);
      const words = phrase("exp_files_remove", { name });
      const look = of.shows !== "image" ? "" : keyOf(value) ? pictureUrl(value, 96) : fileUrl(value, { slug: desk.template, key: of.key });
      return make("li", { title: name }, look ? make("img", { src: look, alt: name }) : make("span", { class: "exp-file-name" }, name),
        pressable("exp-file-out", { "aria-label": words, title: words, onclick: () => {
          axis.chosen = axis.chosen.filter((one) => one !== value);
          drawFiles();
          servers?.drawTicks();
          desk.changed();
        } }, "×"));
    }));
  };
  const servers = of.fetch || of.options?.length ? tickList(desk, axis, of, { also: () => drawFiles() }) : null;
  drawFiles();
  const fold = servers ? [make("details", { class: "exp-servers" }, make("summary", {}, say("exp_files_server")), servers)] : [];
  return { parts: [zone, chooser, wrong, list, ...fold] };
};
