"use strict";

// The list of groups by keyboard: a row one is at, ticks, pages, search, help. What decides about
// groups (r, i, u) is heard by dialogs.js, which looks for ticks and for the class fl-cursor.

(() => {
  const CURSOR = "fl-cursor";
  const help = document.getElementById("fl-keys");
  const keysOn = document.getElementById("fl-keys-on");
  const keysButton = document.getElementById("fl-keys-button");

  const results = () => document.getElementById("fl-results");
  const rows = () => [...document.querySelectorAll("#fl-rows > tr")];
  const cursor = () => document.querySelector(`#fl-rows > .${CURSOR}`);
  const tickOfRow = (element) => element.matches('#fl-rows input[name="group"]');

  function goTo(row) {
    if (!row) return;
    cursor()?.classList.remove(CURSOR);
    row.classList.add(CURSOR);
    row.querySelector(".fl-what").focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  function step(by) {
    const all = rows();
    const at = all.indexOf(cursor());
    goTo(at < 0 ? all[0] : all[Math.min(all.length - 1, Math.max(0, at + by))]);
  }

  function letGo() {
    const open = document.querySelector("details.fl-menu[open]");
    if (open) {
      open.open = false;
      open.querySelector("summary").focus();
    } else if (listTicks.any()) {
      listTicks.none();
    } else {
      triage.hideMessages();
    }
  }

  const click = (selector) => document.querySelector(selector)?.click();

  const KEYS = {
    j: () => step(1),
    k: () => step(-1),
    o: () => click(`#fl-rows > .${CURSOR} .fl-what`),
    Enter: () => click(`#fl-rows > .${CURSOR} .fl-what`),
    x: () => listTicks.tick(cursor(), false),
    X: () => listTicks.tick(cursor(), true),
    a: () => listTicks.more(),
    "*": () => listTicks.more(),
    t: () => click(`#fl-rows > .${CURSOR} a.fl-in`),
    c: () => click("#fl-clear"),
    n: () => click('.fl-pages a[rel="next"]'),
    p: () => click('.fl-pages a[rel="prev"]'),
    ".": () => click("#fl-show"),
    "/": () => document.getElementById("fl-text").select(),
    "?": () => help.showModal(),
    Escape: letGo,
  };

  function hear(event) {
    if (!triage.hears(event)) return;
    if (triage.isTyping(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    // Links and buttons take Enter for themselves. A box would send its form with it.
    if (event.key === "Enter" && event.target !== document.body && !tickOfRow(event.target)) return;
    const act = Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : null;
    if (!act) return;
    event.preventDefault();
    act();
  }

  document.addEventListener("keydown", hear);

  // A menu closes when one looks elsewhere.
  document.addEventListener("click", (event) => {
    document.querySelectorAll("details.fl-menu[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });

  document.addEventListener("focusin", (event) => {
    const row = event.target.closest("#fl-rows > tr");
    if (row && row !== cursor()) {
      cursor()?.classList.remove(CURSOR);
      row.classList.add(CURSOR);
    }
  });

  // Rows that were replaced keep the place one is at.
  document.addEventListener("fl:rows", (event) => {
    const at = event.detail.at;
    if (!at) return;
    rows().find((row) => row.querySelector(".fl-what").href === at)?.classList.add(CURSOR);
  });

  if (!results()) return;
  keysButton.hidden = false;
  keysButton.addEventListener("click", () => help.showModal());
  keysOn.checked = triage.keysAreOn();
  keysOn.addEventListener("change", () => triage.switchKeys(keysOn.checked));
  listTicks.tell();
})();
