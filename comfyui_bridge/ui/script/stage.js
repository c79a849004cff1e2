/* Stage -------------------------------------------------------------------------------------- */

let view = null; // the newest StageView
let shownAt = 0; // when the server looked at what is shown: nothing older is
let toldAt = 0; // when it last heard of the run on it
let chosen = 0; // which file of the run is in the frame
let source = null; // the open stream of previews
let streaming = ""; // its run
let ask = () => {};
let hasArrived = false;
let isBrought = false; // by a link to the run on the stage

/* On a phone the stage is below the form, which has to be there first. */
const goToStage = () => {
  if (!isBrought || !byId("form")?.dataset.drawn) return;
  isBrought = false;
  if (matchMedia("(max-width: 719px)").matches) byId("stage").scrollIntoView({ block: "start" });
};

const layer = (name) => document.querySelector(`#frame .layer.${name}`);
const only = (name) => {
  for (const each of document.querySelectorAll("#frame .layer"))
    each.classList.toggle("is-shown", each.classList.contains(name));
};

/* Put a picture into a layer once it can be painted, so that nothing blinks. */
const showPicture = async (name, url, alt, stillWanted) => {
  const image = layer(name);
  if (image.dataset.url === url) {
    only(name);
    return;
  }
  const ahead = new Image();
  ahead.src = url;
  try {
    await ahead.decode();
  } catch {
    return;
  }
  if (!stillWanted()) return;
  image.src = url;
  image.alt = alt;
  image.dataset.url = url;
  only(name);
};

const stopStream = () => {
  source?.close();
  source = null;
  streaming = "";
};

const stream = (runId) => {
  if (streaming === runId || document.hidden) return;
  stopStream();
  streaming = runId;
  source = new EventSource(`live/${encodeURIComponent(runId)}`);
  let newest = 0;
  source.addEventListener("preview", (event) => {
    const frame = JSON.parse(event.data);
    newest = frame.v;
    toldAt = performance.now();
    const wanted = () =>
      streaming === runId && newest === frame.v && view.run_id === runId && view.phase !== "failed" && (view.live || !view.files.length);
    const image = layer("preview");
    image.dataset.url = "";
    showPicture("preview", frame.src, say("preview_of").replace("{title}", view.title), wanted);
  });
  source.addEventListener("end", (event) => {
    if (streaming !== runId) return;
    source.close();
    source = null;
    const { picture } = JSON.parse(event.data);
    const wanted = () => view.run_id === runId && (view.live || view.files[chosen]?.url === picture);
    if (picture && chosen === 0) showPicture("result", picture, say("result_of").replace("{title}", view.title), wanted);
  });
};

const drawFrame = () => {
  const frame = byId("frame");
  frame.style.setProperty("--ratio", view.ratio);
  frame.dataset.phase = view.phase;
  const file = view.files[chosen];
  const other = layer("other");
  if (file && !view.live) {
    if (file.kind === "image") {
      const runId = view.run_id;
      showPicture("result", file.url, say("result_of").replace("{title}", view.title), () => view.run_id === runId && view.files[chosen] === file);
    } else {
      if (other.dataset.url !== file.url) {
        other.dataset.url = file.url;
        other.replaceChildren(player(file));
      }
      only("other");
    }
  } else if (view.phase === "nothing") {
    const cover = view.cover;
    if (cover) showPicture("cover", cover, "", () => view.phase === "nothing" && view.cover === cover);
    else only("none");
  } else if (["failed", "unknown"].includes(view.phase) || (view.phase === "cancelled" && !layer("preview").dataset.url)) {
    only("none");
  }
  drawMessage(frame.querySelector(".message"));
};

const player = (file) => {
  if (file.kind === "video") return make("video", { src: file.url, controls: true, loop: true, playsinline: true });
  if (file.kind === "audio") return make("audio", { src: file.url, controls: true });
  return make("a", { class: "file", href: file.download, download: file.name }, file.name);
};

let drawnMessage = "";
const drawMessage = (box) => {
  const error = view.error;
  const key = JSON.stringify([view.phase, view.run_id, error, view.phase === "nothing" && view.line, view.files.length]);
  if (key === drawnMessage) return;
  drawnMessage = key;
  box.replaceChildren();
  const isExample = view.phase === "nothing" && view.cover;
  if (isExample) setText(document.querySelector("#frame .caption"), view.line); // it goes when the cover does
  if (view.phase === "unknown" || (view.phase === "nothing" && !view.cover)) {
    box.append(make("p", { class: "message-title" }, view.line), make("p", {}, view.hint));
  } else if (view.phase === "cancelled" && !view.files.length) {
    // What was to be seen of it stays behind, dimmed: it is no result.
    box.append(make("div", { class: "stopped" }, make("p", { class: "message-title" }, view.line), make("p", {}, view.hint)));
  } else if (error && !view.files.length) {
    box.append(errorCard(error));
  }
  box.hidden = !box.childNodes.length;
};

const errorCard = (error) => {
  const card = make("div", { class: "error-card", role: "alert" }, make("p", { class: "message-title" }, error.title));
  if (error.where) card.append(make("p", { class: "where" }, error.where));
  if (error.message) card.append(make("p", { class: "what" }, error.message));
  if (error.advice) card.append(make("p", { class: "advice" }, error.advice));
  const row = make("div", { class: "action-row" });
  for (const offer of error.offers) row.append(offered(offer));
  if (error.again) row.append(action("again", say("run_again")));
  if (row.childNodes.length) card.append(row);
  if (error.details)
    card.append(make("details", {}, make("summary", {}, say("details")), make("pre", {}, error.details)));
  return card;
};

/* A value the server has, in place of one it has not. */
const offered = (offer) =>
  make("button", { type: "button", class: "action", onclick: () => {
    mended.add(offer.field);
    const field = byId(offer.field);
    if (field) clearField(field);
    bridge.act({ action: "use", run: view.run_id, key: offer.key, value: offer.value });
  } }, offer.words);

const action = (name, words, hint) =>
  make("button", { type: "button", class: "action", title: hint, onclick: () => bridge.act({ action: name, run: view.run_id }) }, words);

const drawStatus = () => {
  const status = byId("status");
  if (!view || !status?.querySelector(".bar")) return;
  const hasEnded = ["cancelled", "failed"].includes(view.phase) && !view.files.length;
  const isSaid = hasEnded || ["nothing", "unknown"].includes(view.phase); // in the frame
  const stopping = view.live && isStopping(view.run_id, view.stopping);
  const now = isSending && !view.live ? say("sending") : isSaid ? "" : view.line;
  setText(status.querySelector(".line"), stopping ? say("stopping") : now);
  const title = view.title && view.template !== current ? view.title : ""; // not the one of the form beside it
  const hint = [title, stopping ? "" : view.estimate, view.hint].filter(Boolean).join(" · ").replaceAll(" · ", "\u00a0· ");
  setText(status.querySelector(".hint"), hasEnded ? title : isSaid && !view.cover ? "" : hint);
  // Every step read aloud would be noise: only what begins and what ends is.
  if (status.dataset.phase !== view.phase) setText(status.querySelector(".announced"), isSaid && !hasEnded ? "" : view.line);
  const bar = status.querySelector(".bar");
  const percent = Math.round(view.share * 100);
  bar.dataset.run = bar.dataset.run === view.run_id ? view.run_id : ((bar.dataset.share = "0"), view.run_id);
  const share = Math.max(view.share, Number(bar.dataset.share || 0));
  bar.dataset.share = String(share);
  bar.setAttribute("aria-valuenow", String(percent));
  bar.setAttribute("aria-label", say("progress"));
  bar.querySelector(".done").style.transform = `scaleX(${share})`;
  bar.classList.toggle("is-moving", view.live && (view.moving || view.phase === "queued" || view.phase === "saving"));
  status.dataset.phase = view.phase;
  mark("live", view.live && "yes");
  mark("theirs", view.theirs && "yes");
  byId("stop")?.classList.toggle("is-waiting", stopping);
  setText(byId("stop"), say(stopping ? "stopping" : "stop"));
  tellTitle();
};

let drawnAfter = "";
const drawAfter = () => {
  const root = document.querySelector("#after .after");
  if (!root) return;
  const key = JSON.stringify([view.run_id, view.phase, view.files, view.texts, view.warnings, view.experiment, chosen]);
  if (key === drawnAfter) return;
  drawnAfter = key;
  root.replaceChildren();
  if (view.live || !view.run_id || view.phase === "unknown") return;
  const file = view.files[chosen];
  const row = make("div", { class: "action-row" });
  if (file) row.append(make("a", { class: "action main", href: file.download, download: file.name, title: `${file.name} · ${file.size}` }, say("download")));
  if (view.archive) row.append(make("a", { class: "action", href: view.archive, download: true }, say("download_all")));
  if (file?.kind === "image") row.append(make("a", { class: "action", href: file.url, target: "_blank", rel: "noopener" }, say("open_full")));
  row.append(action("values", say("use_values")), action("seed", say("new_seed"), say("new_seed_hint")), recipeButton(view.run_id, view.shared));
  row.append(menu(say("more_actions"), [...(file ? [compareButton(view.run_id)] : []), ...furtherActions(view.run_id, file)]));
  root.append(row, sharedLine(view.run_id, view.shared), partOf(view.experiment, view.run_id));
  if (view.files.length > 1) root.append(filmstrip());
  if (view.error && view.files.length) root.append(errorCard(view.error));
  for (const text of view.texts) root.append(make("pre", { class: "text-output" }, text));
  for (const warning of view.warnings) root.append(make("p", { class: "warning" }, warning));
};

/* What happened to it, folded: drawn when it is opened, and line by line as it grows. */
let drawnLog = "";
const drawLog = () => {
  const box = document.querySelector("#after .run-log");
  if (!box) return;
  box.hidden = !view.log?.length;
  setText(box.querySelector("summary"), say("log"));
  box.ontoggle = drawLog;
  const key = JSON.stringify([view.run_id, view.log]);
  if (box.hidden || !box.open || key === drawnLog) return;
  drawnLog = key;
  box.querySelector("ol").replaceChildren(
    ...view.log.map((line) =>
      make("li", { "data-tone": line.tone || null }, make("span", { class: "at" }, line.at), make("span", { class: "text" }, line.text), make("span", { class: "took" }, line.took)),
    ),
  );
};

/* The fields that a failed run was wrong in, on the form it came from, until they are changed. */
let marked = ""; // the run whose fields are marked
const mended = new Set(); // and what was changed since
const holdsGiven = (holds, given) => holds === given || Number(holds) === Number(given) || (given.endsWith("…") && holds.startsWith(given.slice(0, -1)));
const markForm = () => {
  if (view?.phase !== "failed" || view.template !== current) return;
  if (marked !== view.run_id) mended.clear();
  for (const [id, sentence] of Object.entries(view.fields)) {
    const field = mended.has(id) ? null : placeOf(id);
    if (!field || field.classList.contains("is-wrong")) continue;
    const holds = [...main.made.values()].find((one) => one.root === field)?.value();
    if (view.given[id] && ["string", "number"].includes(typeof holds) && !holdsGiven(String(holds), view.given[id])) continue;
    marked = view.run_id;
    markField(field, sentence);
    for (const event of ["input", "change"]) field.addEventListener(event, () => mended.add(id), { once: true });
  }
};

const filmstrip = () => {
  const list = make("ul", { class: "strip files", "aria-label": say("this_run") });
  view.files.forEach((file, index) => {
    const inside = file.thumbnail ? make("img", { src: file.thumbnail, alt: "", loading: "lazy" }) : make("span", { class: "no-picture" }, file.kind);
    const pick = () => {
      chosen = index;
      drawFrame();
      drawAfter();
      byId("after").querySelectorAll(".files .tile")[index]?.focus();
    };
    list.append(make("li", {}, make("button", { type: "button", class: "tile", "aria-label": file.name, "aria-current": index === chosen ? "true" : null, onclick: pick }, make("span", { class: "thumb" }, inside))));
  });
  return list;
};

const copyLink = () =>
  make("button", { type: "button", class: "action stays", onclick: async (event) => {
    const button = event.currentTarget;
    const { run_id: run, shared } = view;
    const url = new URL(view.link, location.href).href;
    try {
      await navigator.clipboard.writeText(url);
    } catch {
      const field = make("input", { value: url, class: "off-screen" });
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    shareByLink(run, shared);
    setText(button, say("copied"));
    setTimeout(() => setText(button, say("copy_link")), 1500);
  } }, say("copy_link"));

/* The seeds a run of one's own used, at the form of its template: others may call another seed the same. */
const rememberSeeds = () => {
  if (!view || view.theirs || view.template !== main.slug || (view.live && view.phase === "queued")) return;
  for (const [id, seed] of Object.entries(view.seeds)) byId(id)?.bridgeSeed?.(seed);
};

/* A link leads to what one sees: the run on the stage, which brings its form along, and the template too where
   the form is another one's. The last result of a template was not asked for. */
let isChosen = false; // the form is no more the one that a link led to
let placeNamed = "";
const noteAddress = () => {
  const isRun = view?.run_id && !["unknown", "last"].includes(view.phase);
  const isBeside = isRun && current && view.template !== current;
  const words = [...(isBeside || (!isRun && isChosen) ? [["template", current]] : []), ...(isRun ? [["run", view.run_id]] : [])];
  if (!words.length || placeNamed === String(words)) return; // as the link says that led here
  placeNamed = String(words);
  nameShown("create", words);
};

bridge.stage = (element, props, trigger, watch) => {
  ask = (what) => trigger("select", what);
  const draw = () => {
    const next = props.value;
    if (!next?.phase || next.at < shownAt) return;
    shownAt = next.at;
    toldAt = performance.now();
    if (!view || next.run_id !== view.run_id) {
      chosen = 0;
      stopStream();
      layer("preview").dataset.url = "";
      // Another run's half-painted picture would look like this one's, frozen.
      if (layer("preview").classList.contains("is-shown")) only("none");
      if (view && next.live && matchMedia("(max-width: 719px)").matches)
        byId("stage").scrollIntoView({ block: "start", behavior: calm() ? "auto" : "smooth" });
    }
    view = next;
    lang = next.lang;
    document.documentElement.lang = lang === "zh" ? "zh-CN" : lang;
    if (shownAt > 0 && !hasArrived) {
      hasArrived = true; // the page knows its language
      openNamed();
      isBrought = Boolean(next.run_id) && new URLSearchParams(location.search).has("run");
      goToStage();
    }
    drawFrame();
    drawStatus();
    drawAfter();
    drawLog();
    markForm();
    rememberSeeds();
    noteAddress();
    markStrip();
    drawQueue();
    noteLive();
    if (view.live) stream(view.run_id);
    else stopStream();
    if (!view.followed) askToFollow();
  };
  watch("value", draw);
  draw();
};

/* The parts below the frame come to be after it. */
bridge.below = () => {
  if (!view) return;
  drawStatus();
  drawAfter();
  drawLog();
};

const markStrip = () => {
  for (const tile of document.querySelectorAll("#strip .tile")) {
    if (tile.dataset.run === view?.run_id) tile.setAttribute("aria-current", "true");
    else tile.removeAttribute("aria-current");
  }
};
bridge.strip = (element, watch) => {
  const draw = () => {
    markStrip();
    drawNotify();
  };
  watch("value", draw);
  draw();
};
