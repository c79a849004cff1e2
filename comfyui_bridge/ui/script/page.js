/* The whole page ------------------------------------------------------------------------------ */

/* A run is put on the stage. */
const openRun = (run) => {
  placeNamed = "";
  nameShown("create", [["run", run]]);
  openTab("create");
  ask({ action: "open", run });
};

takenUp.create = ({ run, template }) => {
  if (template && template !== current) (run ? pick : choose)(template);
  if (run && run !== view?.run_id) ask({ action: "open", run });
};

/* What changes without anybody's doing is asked for every three seconds, and while a run moves on the stage,
   which its own stream tells, every fifteen. */
const TICK_MS = 3000;
const MOST_LEFT_OUT = 4;
bridge.clock = (trigger) => {
  let leftOut = 0;
  setInterval(() => {
    const moves = view?.live && performance.now() - toldAt < TICK_MS && tabShown() === "create";
    leftOut = moves && leftOut < MOST_LEFT_OUT ? leftOut + 1 : 0;
    if (!leftOut) trigger("tick");
  }, TICK_MS);
};

document.addEventListener("click", (event) => {
  if (event.target.closest(".open-library")) openLibrary(true);
  const tab = event.target.closest("[data-tab]");
  if (tab) openTab(tab.dataset.tab);
  const tile = event.target.closest("a[data-run]");
  if (tile && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
    event.preventDefault();
    openRun(tile.dataset.run);
  }
  if (event.target.closest("#generate:not([disabled])") && byId("form-head")) busy(true);
  if (byId("create")?.dataset.library && event.target === byId("create")) openLibrary(false);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    const button = byId("generate");
    if (button && !button.disabled) {
      event.preventDefault();
      event.stopPropagation();
      button.click();
    }
  }
  if (event.key === "Escape" && byId("create")?.dataset.library) openLibrary(false);
}, true);

/* A cover or thumbnail that is not there makes way for what stands behind it. */
document.addEventListener("error", (event) => {
  if (event.target.matches?.(".card .cover img, .tile img")) event.target.remove();
}, true);
