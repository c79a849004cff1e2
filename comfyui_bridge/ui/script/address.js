/* The address ----------------------------------------------------------------------------------
   It names what the page shows: the tab as `view` (Create has none), and what is on it, the run or the
   template, or what is looked for. Another tab is another entry of the browser's history; what changes on a
   tab changes its entry. What lies over the page is one more entry, so that a phone's Back takes it away and
   not the page; some of it has an address of its own. */

const tabWords = {}; // what each tab's address says of it, by the tab's name
const takenUp = {}; // how a tab comes to show what its address says, once somebody went back to it

/* What a link says to the page itself, whatever it shows. */
const ownWords = () => {
  const now = new URLSearchParams(location.search);
  return ["__lang", "__theme"].filter((key) => now.has(key)).map((key) => [key, now.get(key)]);
};
const keptWords = (path, more = {}) => {
  const kept = new URLSearchParams([...Object.entries(more), ...ownWords()]);
  return kept.size ? `${path}?${kept}` : path;
};
const namesSheet = () => {
  const now = new URLSearchParams(location.search);
  return now.get("view") === "recipe" || now.has("compare");
};

const tabOf = (name) => document.querySelector(`#tabs [role=tab][data-tab-id="${CSS.escape(name)}"]`);
const tabShown = () => document.querySelector("#tabs [role=tab][aria-selected=true]")?.dataset.tabId || tabNamed;
const openTab = (name) => tabOf(name)?.click();

/* The tab that the address names, and what it says of it. */
const readAddress = () => {
  const all = [...new URLSearchParams(location.search)];
  const view = namesSheet() ? "" : (all.find(([key]) => key === "view") || [])[1];
  const of = namesSheet() ? [] : all.filter(([key]) => !["view", "__lang", "__theme"].includes(key));
  return [view || "create", of];
};

let tabNamed = readAddress()[0]; // the tab that the address is of
tabWords[tabNamed] = readAddress()[1];
let isArriving = tabNamed !== "create"; // its tab is not there yet

const addressOf = (name) => {
  const said = new URLSearchParams([...ownWords(), ...(name === "create" ? [] : [["view", name]]), ...(tabWords[name] || [])]);
  return said.size ? `?${said}` : location.pathname;
};
const writeAddress = (how = "replaceState") => whenThere(() => history[how](null, "", addressOf(tabNamed)));

const laid = []; // the dialogs that lie over the page, each with an entry, the topmost last
let leaves = 0; // how often we went back ourselves, and the browser has not told yet
const due = []; // what is written then

/* A dialog that is closed takes its entry away, and goes back to the one below, which says what is now. */
const settle = () => {
  const open = laid.filter((box) => box.open);
  if (open.length === laid.length) return;
  const [gone, name] = [laid.length - open.length, tabNamed];
  laid.splice(0, laid.length, ...open);
  leaves += 1;
  due.push(() => namesSheet() || history.replaceState(null, "", addressOf(name)));
  history.go(-gone);
};
const whenThere = (write) => {
  settle();
  if (leaves) due.push(write);
  else write();
};
/* An open dialog gets its entry; or that of the one it stands in the place of. */
const layOver = (box, address, former) => {
  const place = laid.indexOf(former);
  if (place >= 0) laid[place] = box;
  box.addEventListener("close", settle, { once: true });
  whenThere(() => {
    if (!box.open) return;
    // Going back to the page would scroll it to where it was then, away from where the dialog led to.
    history.scrollRestoration = "manual";
    history[place < 0 ? "pushState" : "replaceState"](null, "", address || location.href);
    if (place < 0) laid.push(box);
  });
};

/* What a tab shows now, as pairs of words. */
const nameShown = (name, words) => {
  tabWords[name] = words;
  if (name === tabNamed && !namesSheet()) writeAddress();
};

const noteTab = () => {
  const now = tabShown();
  if (now === tabNamed || isArriving) return;
  settle();
  tabNamed = now;
  writeAddress("pushState");
};
/* After Gradio has heard of the click, be it on a tab or in the menu of those that have no room. */
document.addEventListener("click", (event) => event.target.closest?.("#tabs") && setTimeout(noteTab, 0));

addEventListener("popstate", () => {
  history.scrollRestoration = "auto";
  if (leaves) {
    leaves -= 1;
    while (due.length && !leaves) due.shift()();
    return;
  }
  const [name, words] = readAddress();
  const box = laid.pop();
  box?.close();
  if (box && laid.length) return;
  if (box && name === tabNamed && !namesSheet()) {
    writeAddress();
    return;
  }
  laid.length = 0;
  for (const box of document.querySelectorAll("dialog[open]")) box.close();
  if (namesSheet()) {
    openNamed(); // over the tab that is there
    return;
  }
  tabNamed = name;
  tabWords[name] = words;
  openTab(name);
  takenUp[name]?.(Object.fromEntries(words));
});

/* A link to another tab opens it, once there are tabs; one that nobody knows leads to the first. */
if (isArriving) {
  const wait = new MutationObserver(() => {
    if (!tabOf("create")) return;
    wait.disconnect();
    if (tabOf(tabNamed)) openTab(tabNamed);
    else tabNamed = "create";
    isArriving = false;
  });
  wait.observe(document.documentElement, { childList: true, subtree: true });
}
