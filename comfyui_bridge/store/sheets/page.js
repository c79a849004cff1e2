(() => {
  const all = [...document.querySelectorAll("figure[popover]")];
  if (!all.length || !all[0].showPopover) return;
  const step = (from, by) => {
    const next = all[all.indexOf(from) + by];
    if (!next) return;
    from.hidePopover();
    next.showPopover();
    (next.querySelector(`[data-step="${by}"]:not(:disabled)`) || next.querySelector(".close")).focus();
  };
  document.documentElement.classList.add("stepping");
  all[0].querySelector('[data-step="-1"]').disabled = true;
  all[all.length - 1].querySelector('[data-step="1"]').disabled = true;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-step]");
    if (button) step(button.closest("figure"), Number(button.dataset.step));
  });
  document.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const open = document.querySelector("figure:popover-open");
    if (!by || !open || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    step(open, by);
  });
})();
