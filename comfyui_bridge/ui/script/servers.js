/* Servers: a card each, whose texts change in place ---------------------------------------------- */

bridge.servers = (element, props, trigger, watch) => {
  const list = element.querySelector(".servers");
  const saidLine = element.querySelector(".said");
  const none = element.querySelector(".none");
  const form = element.querySelector(".connect");
  let newest = 0;
  const act = (action, more) => {
    saidLine.classList.remove("is-bad");
    setText(saidLine, "");
    trigger("select", { action, ...more });
  };

  const draw = () => {
    const value = props.value;
    if (!value || value.at < newest) return;
    newest = value.at;
    const cards = new Map([...list.children].map((card) => [card.dataset.server, card]));
    for (const server of value.servers) {
      const card = cards.get(server.name) || serverCard(server.name, act);
      cards.delete(server.name);
      if (!card.isConnected) list.append(card);
      drawServer(card, server, value.may_manage);
    }
    for (const card of cards.values()) card.remove();
    none.hidden = value.servers.length > 0;
    setText(none, say("servers_none"));
    const isAtField = Boolean(form.dataset.asked && value.problem);
    drawConnect(form, value, act);
    if (isAtField || (!value.said && !value.problem)) return;
    saidLine.classList.toggle("is-bad", Boolean(value.problem));
    setText(saidLine, value.problem || value.said);
  };
  watch("value", draw);
  draw();
};

const serverCard = (name, act) => {
  const fact = (key) => make("div", { class: `fact fact-${key}` }, make("dt"), make("dd"));
  const button = (key, onclick) => make("button", { type: "button", class: `action ${key}`, onclick });
  const card = make(
    "li",
    { "data-server": name },
    make("div", { class: "server-head" }, make("span", { class: "dot" }), make("h2", {}, name), make("span", { class: "tag" })),
    make("p", { class: "state" }),
    make("p", { class: "why" }),
    make("dl", {}, fact("queue"), fact("model"), fact("memory"), fact("device"), fact("version")),
    make("div", { class: "action-row" }, button("pause"), button("free", () => act("free", { server: name })), button("clear"), button("remove")),
  );
  card.querySelector(".fact-memory dd").append(make("span", { class: "words" }), make("span", { class: "meter" }, make("span", { class: "done" })));
  card.querySelector(".pause").addEventListener("click", () => act(card.dataset.paused ? "resume" : "pause", { server: name }));
  sure(card.querySelector(".clear"), () => act("clear", { server: name }));
  sure(card.querySelector(".remove"), () => act("remove", { server: name }));
  return card;
};

/* A screen reader is told which server a button is about. */
const nameIt = (button) => button.setAttribute("aria-label", `${button.textContent}: ${button.closest("[data-server]").dataset.server}`);

/* What cannot be taken back is asked once more, at the same place. */
const sure = (button, act) => {
  let patience = 0;
  const put = (words) => {
    setText(button, words);
    nameIt(button);
  };
  const back = () => {
    clearTimeout(patience);
    delete button.dataset.sure;
    put(button.dataset.words);
  };
  button.addEventListener("click", () => {
    if (button.dataset.sure) {
      back();
      act();
      return;
    }
    button.dataset.sure = "yes";
    put(button.dataset.question);
    patience = setTimeout(back, 4000);
  });
  button.addEventListener("blur", back);
};

const drawServer = (card, server, mayManage) => {
  const part = (name) => card.querySelector(`.${name}`);
  const tell = (name, key, words) => {
    const box = part(`fact-${name}`);
    setText(box.querySelector("dt"), say(key));
    setText(box.querySelector("dd .words") || box.querySelector("dd"), words);
    box.hidden = !words;
  };
  part("dot").dataset.state = server.state;
  card.dataset.state = server.state;
  if (server.paused) card.dataset.paused = "yes";
  else delete card.dataset.paused;
  setText(part("tag"), server.tag);
  setText(part("state"), server.said);
  setText(part("why"), server.why);
  tell("queue", "in_queue", server.queue);
  tell("model", "model_in_use", server.model);
  tell("memory", "memory", server.memory);
  tell("device", "device", server.device);
  tell("version", "version", server.version);
  part("meter").firstChild.style.transform = `scaleX(${server.used})`;
  const offer = (name, key, hint, shown, question = "") => {
    const button = part(name);
    button.hidden = !shown;
    button.dataset.words = say(key);
    button.dataset.question = question;
    if (!button.dataset.sure) setText(button, say(key));
    button.title = hint ? say(hint) : "";
    nameIt(button);
  };
  offer("pause", server.paused ? "resume" : "pause", "pause_hint", mayManage && server.state !== "leaving");
  offer("free", "free_memory", "free_hint", mayManage && ["ready", "paused"].includes(server.state));
  offer("clear", "clear_mine", "clear_hint", server.yours > 0, say("clear_sure").replace("{count}", server.yours));
  offer("remove", "remove", "", mayManage && server.removable, say("remove_sure"));
};

const drawConnect = (box, value, act) => {
  const key = `${lang} ${value.may_manage}`;
  if (box.dataset.key !== key) {
    box.dataset.key = key;
    const command = make("pre", {}, make("code", {}, "COMFYUI_URL=http://127.0.0.1:8188 make run"));
    const how = [make("p", {}, say("connect_how")), command];
    const heading = make("h2", {}, say("add_server"));
    if (value.may_manage) box.replaceChildren(heading, addForm(act), make("p", {}, say("add_how")), ...how);
    else box.replaceChildren(heading, make("p", {}, say("not_allowed")), ...how);
  }
  const field = box.querySelector("input");
  if (!field || !box.dataset.asked) return;
  if (value.said) field.value = "";
  if (value.said || value.problem) {
    delete box.dataset.asked;
    box.querySelector("button").disabled = false;
    field.setAttribute("aria-invalid", String(Boolean(value.problem)));
    setText(box.querySelector(".field-error"), value.problem);
  }
};

const addForm = (act) => {
  const field = make("input", { id: "server-address", type: "text", inputmode: "url", autocomplete: "off", autocapitalize: "off", spellcheck: "false", placeholder: "http://192.168.1.20:8188", "aria-describedby": "server-address-error", required: true });
  const form = make("form", { novalidate: true }, make("label", { for: "server-address" }, say("server_address")), make("div", { class: "add-row" }, field, make("button", { class: "action main" }, say("add"))), make("p", { class: "field-error", id: "server-address-error", role: "alert" }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!field.value.trim()) return field.focus();
    form.closest(".connect").dataset.asked = "yes";
    form.querySelector("button").disabled = true;
    act("add", { url: field.value });
  });
  return form;
};

/* Charts are drawn when somebody looks at them, and now and then while they do. */
bridge.charts = (element, trigger) => {
  const isSeen = () => element.isConnected && element.checkVisibility() && !document.hidden;
  let drawn = 0;
  const look = () => {
    if (!isSeen() || Date.now() - drawn < 30000) return;
    drawn = Date.now();
    trigger("input");
  };
  setInterval(look, 1000);
};
