/* A sheet to take away ---------------------------------------------------------------------------------------
   A picture of hundreds takes a while to be made, in which its button says so and takes no second press. It is
   fetched here, so that we know when it is there and what went wrong; files of very many pictures the browser
   saves by itself as they come, for nobody can hold them. */

const sheetExports = (sheet) => {
  const ALL = ["png", "webp", "html", "csv", "zip"];
  const OF_KEPT = ["png", "html", "csv", "zip"];
  const MOST_HELD = 300; // cells whose files are fetched before they are saved
  let isMaking = false;
  let button = null;

  const drawButton = () => {
    button.disabled = isMaking;
    button.classList.toggle("is-making", isMaking);
    setText(button, say(isMaking ? "sh_exporting" : "sh_export"));
  };

  const nameIn = (answer) => {
    const said = /filename\*=UTF-8''([^;]+)/.exec(answer.headers.get("content-disposition") || "");
    return said ? decodeURIComponent(said[1]) : "sheet";
  };
  const save = (blob, name) => {
    const url = URL.createObjectURL(blob);
    make("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  };

  const fetched = async (address) => {
    const answer = await fetch(address).catch(() => null);
    if (!answer) throw new Error(say("sh_export_broken"));
    if (!answer.ok) throw new Error((await answer.text().catch(() => "")).trim() || answer.statusText);
    const blob = await answer.blob().catch(() => null); // it may break off in the middle
    if (!blob) throw new Error(say("sh_export_broken"));
    return [blob, nameIn(answer)];
  };

  const take = async (address) => {
    if (isMaking) return;
    isMaking = true;
    drawButton();
    sheet.foot.note(say("sh_export_begun"), true);
    try {
      const [blob, name] = await fetched(address);
      save(blob, name);
      sheet.foot.note(phrase("sh_export_done", { name }));
    } catch (error) {
      sheet.foot.note(phrase("sh_export_failed", { why: whyFailed(error) }), true);
    }
    isMaking = false;
    drawButton();
  };

  const one = (suffix, isKept) => {
    const { counts } = sheet.now;
    const address = `${sheet.address}/sheet.${suffix}?${new URLSearchParams({ lang, ...(isKept ? { only: "kept" } : {}) })}`;
    const isHeld = suffix !== "zip" || (isKept ? counts.kept : counts.all) <= MOST_HELD;
    const pressed = (event) => {
      if (!isHeld) return;
      event.preventDefault();
      take(address);
    };
    return make("a", { class: "action", href: address, download: true, onclick: pressed }, say(`sh_export_${isKept ? "kept_" : ""}${suffix}`));
  };

  /* The menu as the sheet stands. */
  return () => {
    const kept = sheet.now.counts.kept ? OF_KEPT.map((suffix) => one(suffix, true)) : [];
    kept[0]?.classList.add("cs-apart");
    const box = menu(say("sh_export"), [...ALL.map((suffix) => one(suffix, false)), ...kept]);
    box.classList.add("cs-export");
    button = box.querySelector(".menu-button");
    drawButton();
    return box;
  };
};
