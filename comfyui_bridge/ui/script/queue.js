/* One's own queue, and how the page tells that something is over ------------------------------- */

let queue = null; // the newest QueueView
let stopAsked = new Set(); // runs that somebody asked to stop on this page
let queueAsk = () => {};
let unseen = null; // what ended while nobody looked here
let told = new Set(); // ended runs that were told

/* The run that this tab saw go on when it was left: who comes back to it and finds it over wants the next. */
const LEFT_AT = "bridge.live";
let leftAt = sessionStorage.getItem(LEFT_AT) || "";
const noteLive = () => {
  if (view.live && !view.theirs) sessionStorage.setItem(LEFT_AT, view.run_id);
  else if (sessionStorage.getItem(LEFT_AT) !== view.run_id) sessionStorage.removeItem(LEFT_AT);
};
const comeBack = () => {
  const wasHere = leftAt && view?.run_id === leftAt && ["done", "cancelled"].includes(view.phase);
  leftAt = "";
  if (wasHere && queue.items.length) openRun(queue.items[0].run_id);
};

const named = (key, title) => say(key).replace("{title}", title);
const isStopping = (runId, stopping) => stopping || stopAsked.has(runId);

/* At once: the answer of the server follows. */
const askedToStop = (runId) => {
  stopAsked.add(runId);
  drawStatus();
  drawQueue();
};

/* Somebody is to follow for this page: what begins and ends, and how far it is. A second one would go at once. */
let beFollowed = () => {};
let toBeFollowed = 0;
const askToFollow = () => {
  clearTimeout(toBeFollowed);
  toBeFollowed = setTimeout(beFollowed, 0);
};

bridge.queue = (element, props, trigger, watch) => {
  beFollowed = () => trigger("input");
  queueAsk = (what) => trigger("select", what);
  const take = () => {
    const next = props.value;
    if (!next || (queue && next.at < queue.at)) return;
    const before = queue;
    queue = next;
    for (const one of next.ended) tellEnded(one);
    if (before && next.items.length > before.items.length) announceQueued(before, next);
    drawQueue();
    tellTitle();
    if (before && !next.followed && leftAt) setTimeout(comeBack, 0);
    if (next.items.length && !next.followed && !document.hidden) askToFollow();
  };
  watch("value", take);
  take();
};

const announceQueued = (before, next) => {
  const known = new Set(before.items.map((item) => item.run_id));
  const added = next.items.find((item) => !known.has(item.run_id) && item.run_id !== view?.run_id);
  if (added) setText(document.querySelector("#queue [role=status]"), named("queue_joined", added.title));
};

const drawQueue = () => {
  const box = document.querySelector("#queue .queue");
  if (!box || !queue || dragged) return;
  // The run on the stage alone is told there.
  box.hidden = !queue.items.some((item) => item.run_id !== view?.run_id);
  if (box.hidden) return;
  setText(box.querySelector("h2"), queue.heading);
  const all = box.querySelector(".stop-all");
  if (!all.dataset.sure) setText(all, say("stop_all"));
  setText(box.querySelector(".more"), queue.more);
  const list = box.querySelector("ol");
  const rows = new Map([...list.children].map((row) => [row.dataset.run, row]));
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  queue.items.forEach((item, index) => {
    const row = rows.get(item.run_id) || queueRow(item.run_id);
    rows.delete(item.run_id);
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] || null);
    drawQueueRow(row, item);
  });
  for (const row of rows.values()) row.remove();
  // A row that is moved loses the focus that was in it.
  if (focused && list.contains(focused) && document.activeElement !== focused) focused.focus();
};

const itemOf = (runId) => queue.items.find((item) => item.run_id === runId);

const queueRow = (runId) => {
  const button = (name, act) => make("button", { type: "button", class: name, onclick: act });
  const grip = button("grip", null);
  const row = make(
    "li",
    { "data-run": runId },
    grip,
    make("a", { class: "what", href: `?run=${encodeURIComponent(runId)}`, "data-run": runId }, make("span", { class: "title" }), make("span", { class: "text" }), make("span", { class: "line" })),
    make("div", { class: "moves" }, button("up", () => move(runId, -1)), button("down", () => move(runId, 1))),
    button("action stop-one", () => {
      askedToStop(runId);
      queueAsk({ action: "stop", run: runId });
    }),
    make("div", { class: "share", "aria-hidden": "true" }, make("div", { class: "done" })),
  );
  grip.addEventListener("pointerdown", (event) => drag(event, row));
  return row;
};

const drawQueueRow = (row, item) => {
  const part = (name) => row.querySelector(`.${name}`);
  const stopping = isStopping(item.run_id, item.stopping);
  row.dataset.state = item.is_running ? "running" : "waiting";
  setText(part("title"), item.title);
  setText(part("text"), item.text);
  setText(part("line"), stopping ? say("stopping") : item.line);
  part("done").style.transform = `scaleX(${item.percent / 100})`;
  const name = item.text ? `${item.title}, ${item.text}` : item.title;
  part("what").setAttribute("aria-label", named("show_one", name));
  if (item.run_id === view?.run_id) part("what").setAttribute("aria-current", "true");
  else part("what").removeAttribute("aria-current");
  const movable = item.place !== null && queue.movable > 1;
  row.classList.toggle("is-movable", movable);
  const label = (button, key) => {
    button.setAttribute("aria-label", named(key, name));
    button.title = named(key, item.title);
  };
  label(part("grip"), "move_one");
  part("grip").tabIndex = -1; // the two buttons do the same by keys
  label(part("up"), "move_up");
  label(part("down"), "move_down");
  part("up").disabled = !movable || item.place === 0;
  part("down").disabled = !movable || item.place >= queue.movable - 1;
  const stop = part("stop-one");
  setText(stop, say(stopping ? "stopping" : "stop"));
  stop.setAttribute("aria-label", stopping ? say("stopping") : named("stop_one", name));
  stop.disabled = stopping;
};

/* Drawn so at once; the answer says how it is. */
const move = (runId, by) => {
  const item = itemOf(runId);
  if (item) moveTo(runId, item.place + by);
};

const moveTo = (runId, place) => {
  const item = itemOf(runId);
  if (!item || item.place === null || place < 0 || place >= queue.movable || place === item.place) return drawQueue();
  const [first, waiting] = [queue.items.filter((one) => one.place === null), queue.items.filter((one) => one.place !== null)];
  waiting.splice(waiting.indexOf(item), 1);
  waiting.splice(Math.min(place, waiting.length), 0, item);
  waiting.forEach((one, index) => (one.place = index));
  queue.items = [...first, ...waiting];
  drawQueue();
  queueAsk({ action: "move", run: runId, place });
};

let dragged = null;
const drag = (event, row) => {
  if (event.button > 0 || !row.classList.contains("is-movable")) return;
  event.preventDefault();
  dragged = row;
  row.classList.add("is-dragged");
  const list = row.parentElement;
  const follow = ({ clientY }) => {
    const others = [...list.querySelectorAll(".is-movable")].filter((one) => one !== row);
    const below = others.find((one) => {
      const { top, height } = one.getBoundingClientRect();
      return clientY < top + height / 2;
    });
    const anchor = below || others.at(-1)?.nextElementSibling || null;
    if (anchor !== row && row.nextElementSibling !== anchor) list.insertBefore(row, anchor);
  };
  const drop = (ended) => {
    removeEventListener("pointermove", follow);
    removeEventListener("pointerup", drop);
    removeEventListener("pointercancel", drop);
    row.classList.remove("is-dragged");
    dragged = null;
    if (ended.type === "pointercancel") return drawQueue();
    moveTo(row.dataset.run, [...list.querySelectorAll(".is-movable")].indexOf(row));
  };
  addEventListener("pointermove", follow);
  addEventListener("pointerup", drop);
  addEventListener("pointercancel", drop);
};

/* Stop all asks once more: it cannot be taken back. */
let unsure = 0;
document.addEventListener("click", (event) => {
  const all = event.target.closest("#queue .stop-all");
  if (!all) return;
  clearTimeout(unsure);
  if (all.dataset.sure) {
    delete all.dataset.sure;
    for (const item of queue.items) stopAsked.add(item.run_id);
    drawStatus();
    drawQueue();
    queueAsk({ action: "stop_all" });
    return;
  }
  all.dataset.sure = "yes";
  setText(all, say("stop_all_sure").replace("{count}", queue.total));
  unsure = setTimeout(() => {
    delete all.dataset.sure;
    drawQueue();
  }, 4000);
});

document.addEventListener("click", (event) => {
  if (event.target.closest("#stop") && view?.live) askedToStop(view.run_id);
}, true);

/* The tab's title and notifications ------------------------------------------------------------- */

const NAME = "ComfyUI Bridge";
const looksAway = () => document.hidden || !document.hasFocus();

const tellTitle = () => {
  const running = view?.live ? view.share * 100 : queue?.items.find((item) => item.is_running)?.percent;
  const progress = running === undefined ? "" : `${Math.round(running)} % · `;
  const sign = unseen ? (unseen.state === "completed" ? "✓ " : "! ") : "";
  const title = unseen && !progress ? `${unseen.title} · ` : "";
  const sheet = experiments.title() ? `${experiments.title()} · ` : "";
  document.title = `${sign}${progress || title}${sheet}${NAME}`;
};

const tellEnded = (one) => {
  if (told.has(one.run_id)) return;
  told.add(one.run_id);
  stopAsked.delete(one.run_id);
  if (!looksAway()) return;
  unseen = one;
  notify(one);
};

const seeIt = () => {
  if (looksAway() || !unseen) return;
  unseen = null;
  tellTitle();
};
document.addEventListener("visibilitychange", seeIt);
/* A browser has six connections to an address, for all its tabs: one that nobody sees gives its stream back. */
document.addEventListener("visibilitychange", () => {
  if (document.hidden) stopStream();
  else if (view?.live) stream(view.run_id);
});
addEventListener("focus", seeIt);

const WISH = "bridge.notify";
const canNotify = () => "Notification" in window && isSecureContext;
const wantsNotes = () => canNotify() && Notification.permission === "granted" && localStorage.getItem(WISH) === "yes";

const notify = (one) => {
  if (!wantsNotes() || !document.hidden) return;
  try {
    const note = new Notification(one.title, { body: say(`ended_${one.state}`), tag: one.run_id });
    note.addEventListener("click", () => {
      window.focus();
      openRun(one.run_id);
      note.close();
    });
  } catch {
    // A phone's browser has no such constructor.
  }
};

const drawNotify = () => {
  const button = document.querySelector("#strip .notify");
  if (!button) return;
  button.hidden = !canNotify();
  button.setAttribute("aria-pressed", String(wantsNotes()));
};

document.addEventListener("click", async (event) => {
  const button = event.target.closest("#strip .notify");
  if (!button) return;
  const on = !wantsNotes();
  localStorage.setItem(WISH, on ? "yes" : "no");
  if (on && (await Notification.requestPermission()) !== "granted") button.title = say("notify_denied");
  drawNotify();
});
