/* Which is better? ----------------------------------------------------------------------------------
   Two pictures in an order that is drawn, without their names until one is chosen. Of more than two the one
   that was chosen meets the next. */

const blindComparison = (given, { won, closed }) => {
  const LETTERS = ["A", "B"];
  const order = [...given];
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1));
    [order[at], order[other]] = [order[other], order[at]];
  }
  let best = order.shift();
  let isChosen = false; // somebody saw a difference
  let round = 1;
  const rounds = order.length;
  let pair = [];
  const hint = make("p", { class: "quiet", role: "status" });
  const room = make("div", { class: "cs-blind-room" });
  const foot = make("div", { class: "cs-blind-foot" });
  const box = openWindow(say("sh_blind_title"), hint, room, foot);
  box.classList.add("cs-blind");
  let isOver = false;

  const picture = (one, caption) => make("figure", {}, make("span", { class: "cs-blind-picture" }, make("img", { src: one.url, alt: caption, draggable: "false" })), make("figcaption", {}, caption));

  const drawRound = () => {
    pair = Math.random() < 0.5 ? [best, order[0]] : [order[0], best];
    setText(hint, [say("sh_blind_hint"), rounds > 1 ? phrase("sh_blind_round", { place: round, count: rounds }) : ""].filter(Boolean).join(" "));
    room.replaceChildren(...pair.map((one, side) => {
      const figure = picture(one, LETTERS[side]);
      const choose = pressable("action main", { onclick: () => decide(side) }, phrase("sh_blind_this", { letter: LETTERS[side] }));
      figure.querySelector("figcaption").replaceChildren(choose);
      figure.querySelector(".cs-blind-picture").addEventListener("click", () => decide(side));
      return figure;
    }));
    foot.replaceChildren(pressable("action", { onclick: () => decide(-1) }, say("sh_blind_neither")), make("span", { class: "quiet cs-blind-keys" }, say("sh_blind_keys")));
  };

  /* `side`: which one, or -1 for neither; then the one that was best so far stays. */
  const decide = (side) => {
    if (isOver) return;
    if (side >= 0) [best, isChosen] = [pair[side], true];
    order.shift();
    round++;
    if (order.length) return drawRound();
    isOver = true;
    reveal();
  };

  const reveal = async () => {
    const others = given.filter((one) => one !== best).map((one) => one.name).join(", ");
    const title = box.querySelector("h2");
    title.textContent = title.title = isChosen ? phrase("sh_blind_won", { labels: best.name }) : phrase("sh_blind_tie", { labels: given.map((one) => one.name).join(", ") });
    setText(hint, isChosen ? `${say("sh_blind_kept")} ${phrase("sh_blind_over", { labels: others })}` : say("sh_blind_nothing"));
    room.replaceChildren(...pair.map((one) => {
      const figure = picture(one, one.whole);
      figure.classList.toggle("is-best", isChosen && one === best);
      return figure;
    }));
    const close = pressable("action main", { onclick: () => box.close() }, say("res_close"));
    foot.replaceChildren(close);
    close.focus();
    if (isChosen) await won(best.index);
  };

  box.addEventListener("keydown", (event) => {
    const side = { ArrowLeft: 0, a: 0, 1: 0, ArrowRight: 1, b: 1, 2: 1, ArrowDown: -1 }[event.key];
    if (side === undefined || isOver || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    decide(side);
  });
  box.addEventListener("close", () => setTimeout(() => closed(isOver && isChosen ? best.index : undefined), 0));
  drawRound();
  box.focus();
};
