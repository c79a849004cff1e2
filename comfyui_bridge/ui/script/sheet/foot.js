/* The foot of a sheet: what can be done with the cell that has the keyboard, or with those that are chosen --- */

const sheetFoot = (sheet) => {
  const NOTED_MS = 8000;
  const element = make("div", { class: "cs-foot" });
  let noted = "";
  let noting = 0;

  /* For a while, or for as long as nothing else is to be said. */
  const note = (text, stays = false) => {
    noted = text;
    clearTimeout(noting);
    if (text && !stays) noting = setTimeout(() => note(""), NOTED_MS);
    draw();
  };

  /* It lies over the table: nothing moves for it. */
  const noteOf = () => make("div", { class: "cs-note" }, make("p", { role: "status" }, noted), pressable("cs-note-close", { "aria-label": say("res_close"), title: say("res_close"), onclick: () => note("") }, "×"));

  const draw = () => {
    if (!element.isConnected) return;
    const some = sheet.meant();
    const all = some.map((index) => sheet.cells[index]);
    const key = JSON.stringify([some, all.map((one) => [one.state, one.verdict, one.why]), sheet.chosen.size, sheet.blind, noted, sheet.now.own, lang]);
    if (element.dataset.key === key) return;
    element.dataset.key = key;
    const focused = element.contains(document.activeElement) ? document.activeElement.dataset.name : "";
    element.replaceChildren(...(noted ? [noteOf()] : []), ...(some.length ? [deedsWith(some, all)] : []));
    if (focused) (element.querySelector(`[data-name="${focused}"]`) || element.querySelector("button"))?.focus();
  };

  const deedsWith = (some, all) => {
    const { deeds, chosen, now, nameOf } = sheet;
    const isMany = chosen.size > 0;
    const act = (name, words, key, onclick, more = {}) => pressable("action", { "data-name": name, onclick, ...more }, make("span", {}, say(words)), ...(key ? [make("kbd", { "aria-hidden": "true" }, key)] : []));
    const [index, cell] = [some[0], all[0]];
    const said = isMany
      ? [make("b", {}, tally("sh_chosen", some.length))]
      : [make("b", { title: nameOf(index) }, sheet.captionOf(index) || nameOf(index)), make("span", { class: "cs-foot-state" }, sheet.blind >= 0 ? say("sh_blind_more") : cell.why || sheet.stateWords(cell))];
    const isDone = all.every((one) => one.state === "completed");
    const isAll = (verdict) => String(all.every((one) => one.verdict === verdict));
    const row = [];
    if (now.own && isDone) row.push(act("keep", "sh_keep", "K", () => deeds.judge(some, "kept"), { "aria-pressed": isAll("kept") }), act("reject", "sh_reject", "X", () => deeds.judge(some, "rejected"), { "aria-pressed": isAll("rejected") }));
    if (isMany) {
      if (some.length > 1) row.push(act("blind", "sh_blind", "B", () => deeds.compareBlind(some)));
      if (some.length === 2) row.push(act("beside", "sh_beside", "", () => openCompare(...all.map((one) => one.run))));
    } else if (isDone) {
      if (sheet.hasPicture(cell)) row.push(act("blind", "sh_blind", "B", () => deeds.markBlind(index), { "aria-pressed": String(sheet.blind === index) }));
      row.push(act("promote", "sh_promote", "P", () => sheet.promote(index)), act("open", "sh_open", "↵", () => sheet.large.open(index)));
    }
    if (now.own && all.every(sheet.canRun) && (isMany || !isDone)) row.push(act("again", "sh_again", "R", () => deeds.again(some)));
    if (isMany) row.push(act("none", "sh_choose_none", "Esc", deeds.chooseNone));
    return make("div", { class: "cs-deeds", role: "toolbar", "aria-label": isMany ? tally("sh_chosen", some.length) : nameOf(index) }, make("div", { class: "cs-foot-said" }, ...said), make("div", { class: "cs-foot-row" }, ...row));
  };

  return { element, draw, note, end: () => clearTimeout(noting) };
};
