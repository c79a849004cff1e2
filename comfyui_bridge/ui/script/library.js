/* Library ------------------------------------------------------------------------------------ */

let current = "";
let tag = "";
let putDots = () => {}; // on the cards, once their states are known

/* A list that may have a thousand rows. All of them are known, and of those that fit so many stand on the page
   as somebody has scrolled to: what stands there costs the browser its style with every key of a search. */
const ROWS_AT_ONCE = 60;
const longList = (list) => {
  const rows = [...list.children];
  let fitting = [];
  let shown = 0;
  const end = make("li", { class: "end", "aria-hidden": "true" });
  const showMore = (count = ROWS_AT_ONCE) => {
    const more = fitting.slice(shown, shown + count);
    shown += more.length;
    end.before(...more);
  };
  const show = (fits, count) => {
    fitting = rows.filter(fits);
    shown = 0;
    list.replaceChildren(end);
    showMore(count);
    return fitting.length;
  };
  const below = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && shown < fitting.length && showMore());
  below.observe(end);
  return { rows, show, shown: () => Math.max(shown, ROWS_AT_ONCE), stop: () => below.disconnect() };
};
/* The list anew: Gradio 6.31 makes the elements that are there into what the new HTML says, one after the other,
   so whatever they were before, they are all of the rows now. People stay where they had scrolled to. */
const renewed = (before, list) => {
  before?.stop();
  return list ? { ...longList(list), first: before?.shown() } : null;
};

let library = null; // its cards, those that are not on the page too
const cardsOf = () => (library ? library.rows.map((row) => row.firstElementChild) : []);

const markCurrent = () => {
  for (const card of cardsOf()) {
    const isIt = card.dataset.slug === current;
    if (isIt) card.setAttribute("aria-current", "true");
    else card.removeAttribute("aria-current");
  }
};

const filter = (root) => {
  const search = root.querySelector(".search");
  if (!search || !library) return;
  const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = ({ said, tags }) => wanted.every((word) => said.includes(word)) && (!tag || tags.split("|").includes(tag));
  const shown = library.show((row) => fits(row.firstElementChild.dataset), library.first);
  library.first = undefined;
  for (const chip of root.querySelectorAll(".chip"))
    chip.setAttribute("aria-pressed", String(chip.dataset.tag === tag));
  const none = root.querySelector(".no-match");
  if (none) none.hidden = shown > 0 || !library.rows.length;
};

/* Another template is chosen: its form, and what is shown beside it. */
const choose = (slug) => {
  leaveNotice();
  pick(slug);
  // After the form has been asked for: it is what people wait for.
  setTimeout(() => tellChosen(slug), 0);
};
let tellChosen = () => {};

const openLibrary = (open) => {
  mark("library", open && "open");
  if (open) byId("search-templates")?.focus({ preventScroll: true });
  else document.querySelector("#form-head .open-library")?.focus({ preventScroll: true });
};

bridge.library = (element, trigger, watch) => {
  look = () => goal && trigger("input", { slug: goal });
  tellChosen = (slug) => trigger("click", { slug });
  const settle = () => {
    library = renewed(library, element.querySelector(".cards"));
    if (tag && ![...element.querySelectorAll(".chip")].some((chip) => chip.dataset.tag === tag)) tag = "";
    filter(element);
    markCurrent();
    putDots();
  };
  element.addEventListener("input", (event) => {
    if (event.target.matches(".search")) filter(element);
  });
  element.addEventListener("click", (event) => {
    const card = event.target.closest(".card");
    const chip = event.target.closest(".chip");
    if (chip) {
      tag = chip.dataset.tag;
      filter(element);
    } else if (card) {
      if (card.dataset.slug !== current) {
        choose(card.dataset.slug);
      }
      if (byId("create")?.dataset.library) openLibrary(false);
    } else if (event.target.closest(".close-library")) {
      openLibrary(false);
    }
  });
  element.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const cards = [...element.querySelectorAll("li > .card")];
    if (!cards.length) return;
    const at = cards.indexOf(document.activeElement);
    if (at < 0 && !event.target.matches(".search")) return;
    event.preventDefault();
    const next = at + (event.key === "ArrowDown" ? 1 : -1);
    if (next < 0) element.querySelector(".search").focus();
    else cards[Math.min(next, cards.length - 1)].focus();
  });
  watch("value", settle);
  settle();
};
