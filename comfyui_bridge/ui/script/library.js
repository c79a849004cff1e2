/* Library ------------------------------------------------------------------------------------ */

let current = "";
let tag = "";
let putDots = () => {}; // on the cards, once their states are known

const markCurrent = () => {
  for (const card of document.querySelectorAll("#library .card")) {
    const isIt = card.dataset.slug === current;
    if (isIt) card.setAttribute("aria-current", "true");
    else card.removeAttribute("aria-current");
  }
};

const filter = (root) => {
  const search = root.querySelector(".search");
  if (!search) return;
  const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const card of root.querySelectorAll(".card")) {
    const fits =
      wanted.every((word) => card.dataset.said.includes(word)) &&
      (!tag || card.dataset.tags.split("|").includes(tag));
    card.parentElement.hidden = !fits;
    if (fits) shown += 1;
  }
  for (const chip of root.querySelectorAll(".chip"))
    chip.setAttribute("aria-pressed", String(chip.dataset.tag === tag));
  const none = root.querySelector(".no-match");
  if (none) none.hidden = shown > 0 || !root.querySelector(".card");
};

/* Another template is chosen: its form, and what is shown beside it. */
const choose = (slug) => {
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
    const cards = [...element.querySelectorAll("li:not([hidden]) > .card")];
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
