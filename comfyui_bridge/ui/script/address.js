/* The address ----------------------------------------------------------------------------------
   It names what the page shows: the tab as `view` (Create has none), and what is on it, the run or the
   template, or what is looked for. Another tab is another entry of the browser's history; what changes on a
   tab changes its entry. A sheet over the page has an address for as long as it lies there. */

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

const addressOf = (name) =>
  `?${new URLSearchParams([...ownWords(), ...(name === "create" ? [] : [["view", name]]), ...(tabWords[name] || [])])}`;
const writeAddress = (how = "replaceState") => {
  const address = addressOf(tabNamed);
  history[how](null, "", address === "?" ? location.pathname : address);
};

/* What a tab shows now, as pairs of words. */
const nameShown = (name, words) => {
  tabWords[name] = words;
  if (name === tabNamed && !namesSheet()) writeAddress();
};

const noteTab = () => {
  const now = tabShown();
  if (now === tabNamed || isArriving) return;
  tabNamed = now;
  writeAddress("pushState");
};
/* After Gradio has heard of the click, be it on a tab or in the menu of those that have no room. */
document.addEventListener("click", (event) => event.target.closest?.("#tabs") && setTimeout(noteTab, 0));

addEventListener("popstate", () => {
  const [name, words] = readAddress();
  tabNamed = name;
  tabWords[name] = words;
  for (const box of document.querySelectorAll("dialog[open]")) box.close();
  openTab(name);
  takenUp[name]?.(Object.fromEntries(words));
  openNamed();
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
