/* Files -------------------------------------------------------------------------------------- */

/* Keep a file on our side; what a field says for it from then on. */
const upload = (blob, name, shows) => send(`uploads?${new URLSearchParams({ name, shows })}`, blob);

/* Where a file that a field names can be looked at: one of ours, or the server's own. */
const fileUrl = (value, field) => {
  if (keyOf(value)) return `uploads/${encodeURIComponent(keyOf(value))}/file?${new URLSearchParams({ name: value.name })}`;
  if (!value || typeof value !== "string") return "";
  return `server-files/${encodeURIComponent(field.slug)}/${encodeURIComponent(field.key)}?${new URLSearchParams({ name: value })}`;
};

const fileName = (value) => (typeof value === "string" ? value : value?.name || "");

const PLAYERS = {
  video: (url) => make("video", { src: url, controls: true, muted: true, playsinline: true, preload: "metadata" }),
  audio: (url) => make("audio", { src: url, controls: true, preload: "metadata" }),
};

/* What was dropped or pasted: a file, or a result of ours, which comes as its address. */
const droppedFile = async (data) => {
  if (data?.files?.length) return data.files[0];
  const url = data?.getData("text/uri-list") || "";
  if (!url || !URL.canParse(url, location.href)) return null;
  const address = new URL(url, location.href);
  if (address.origin !== location.origin || !address.pathname.includes("/media/")) return null;
  address.searchParams.delete("size");
  const answer = await fetch(address);
  return answer.ok ? new File([await answer.blob()], decodeURIComponent(address.pathname.split("/").pop())) : null;
};

kinds.file = (field, put) => {
  let value = "";
  const chooser = make("input", { type: "file", accept: field.accept, class: "file-input" });
  const view = make("div", { class: "file-view" });
  const said = make("p", { class: "file-said" });
  const zone = make("div", { class: "file-zone", tabindex: "0", role: "button", "aria-label": `${field.label}: ${say(`choose_${field.shows}`)}` }, view, said);
  const tools = make("div", { class: "file-tools" });
  const problem = make("p", { class: "field-error", role: "alert", hidden: true });
  const tell = (sentence) => {
    setText(problem, sentence);
    problem.hidden = !sentence;
  };
  const browse = () => chooser.click();
  const change = (next) => {
    show(next);
    put(next);
  };
  const take = async (blob, name) => {
    tell("");
    zone.classList.add("is-busy");
    try {
      change(await upload(blob, name, field.shows));
    } catch (error) {
      // It stays a wrong value, so that nothing runs with another file than the one that was meant.
      change({ [MARK]: "", name });
      tell(whyFailed(error));
    } finally {
      zone.classList.remove("is-busy");
    }
  };
  const takeFrom = async (data) => {
    const dropped = await droppedFile(data);
    if (dropped) take(dropped, dropped.name);
  };
  chooser.addEventListener("change", () => {
    if (chooser.files[0]) take(chooser.files[0], chooser.files[0].name);
    chooser.value = "";
  });
  zone.addEventListener("click", (event) => {
    if (!event.target.closest("video, audio")) browse();
  });
  zone.addEventListener("keydown", (event) => {
    if (event.target === zone && (event.key === "Enter" || event.key === " ") && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      browse();
    }
  });
  zone.addEventListener("paste", (event) => takeFrom(event.clipboardData));
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("is-over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("is-over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("is-over");
    takeFrom(event.dataTransfer);
  });
  const server = serverChoice(field, (choice) => choice && change(choice));
  const out = make("button", { type: "button", class: "link", onclick: () => change(field.own ?? "") }, say("take_file_out"));
  tools.append(...[server?.element, out].filter(Boolean));
  const show = (next) => {
    const isOther = JSON.stringify(next) !== JSON.stringify(value) || !view.firstChild;
    value = next ?? "";
    const [url, name] = [fileUrl(value, field), fileName(value)];
    const isServers = typeof value === "string";
    setText(said, !name ? say(`drop_${field.shows}`) : isServers ? say("file_on_server").replace("{name}", name) : name);
    out.hidden = isServers;
    zone.classList.toggle("has-file", Boolean(name));
    if (isOther) {
      view.replaceChildren();
      if (url && PLAYERS[field.shows]) {
        const player = PLAYERS[field.shows](url, name);
        // What the server cannot show, or has not got, is named all the same.
        player.addEventListener("error", () => player.remove());
        view.append(player);
      }
    }
    server?.show(isServers ? value : "");
  };
  return { element: make("div", { class: `file shows-${field.shows}` }, zone, tools, problem, chooser), input: chooser, show };
};

/* What lies in the server's folder already. */
const serverChoice = (field, put) => {
  if (!field.fetch && !(field.choices || []).length) return null;
  const said = { ...field, label: `${field.label}: ${say("servers_own")}`, placeholder: say("servers_own") };
  const made = searchedChoice(said, choicesOf(field), put);
  made.input.setAttribute("aria-label", said.label);
  return made;
};

/* A picture: the place for one, with those on the server below. */
kinds.picture = (field, put) => {
  const own = (name) => ({ name, url: fileUrl(name, field), said: say("file_on_server").replace("{name}", name) });
  const box = pictureField({
    id: `${field.id}-input`,
    label: field.label,
    value: null,
    words: field.say,
    paints: Boolean(field.paints),
    changed: (held) => {
      const value = held ?? field.own ?? "";
      show(value);
      put(value);
    },
  });
  const server = serverChoice(field, (choice) => {
    if (!choice) return;
    show(choice);
    put(choice);
  });
  const show = (value) => {
    const isServers = typeof value === "string";
    box.stand(isServers && value ? own(value) : null);
    box.hold(isServers ? null : value);
    server?.show(isServers ? value : "");
  };
  const element = make("div", { class: "file" }, box, ...(server ? [make("div", { class: "file-tools" }, server.element)] : []));
  return { element, input: box.querySelector("input[type=file]"), show };
};
