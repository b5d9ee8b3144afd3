"use strict";

// The list of groups by keyboard: a row one is at, ticks, pages, search, help. What decides about
// groups (r, i, u) is heard by dialogs.js, which looks for ticks and for the class fl-cursor.

(() => {
  const CURSOR = "fl-cursor";
  const help = document.getElementById("fl-keys");
  const keysOn = document.getElementById("fl-keys-on");
  const keysButton = document.getElementById("fl-keys-button");
  // The value of its box: rows are replaced.
  let tickedLast = null;

  const results = () => document.getElementById("fl-results");
  const rows = () => [...document.querySelectorAll("#fl-rows > tr")];
  const cursor = () => document.querySelector(`#fl-rows > .${CURSOR}`);
  const tickOfRow = (element) => element.matches('#fl-rows input[name="group"]');
  const tickOf = (row) => row?.querySelector('input[name="group"]');
  const ticks = () => [...document.querySelectorAll('#fl-rows input[name="group"]')];

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

  function tick(row, upTo) {
    const box = tickOf(row);
    if (!box) return;
    const all = rows();
    box.checked = upTo || !box.checked;
    const from = all.findIndex((each) => tickOf(each).value === tickedLast);
    if (upTo && from >= 0) {
      const to = all.indexOf(row);
      all.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((each) => {
        tickOf(each).checked = true;
      });
    }
    tickedLast = box.value;
    tell();
  }

  // How many are ticked, and what the box above all of them looks like.
  function tell() {
    const all = ticks();
    const count = all.filter((box) => box.checked).length;
    all.forEach((box) => box.closest("tr").classList.toggle("fl-ticked", box.checked));
    const every = document.getElementById("fl-all");
    if (!every) return;
    every.closest("label").hidden = false;
    every.checked = count > 0 && count === all.length;
    every.indeterminate = count > 0 && count < all.length;
    document.getElementById("fl-count").textContent = count ? `${count} ticked` : "";
  }

  function letGo() {
    const open = document.querySelector("details.fl-menu[open]");
    if (open) {
      open.open = false;
      open.querySelector("summary").focus();
    } else {
      ticks().forEach((box) => { box.checked = false; });
      tell();
    }
  }

  const KEYS = {
    j: () => step(1),
    k: () => step(-1),
    o: () => cursor()?.querySelector(".fl-what").click(),
    Enter: () => cursor()?.querySelector(".fl-what").click(),
    x: () => tick(cursor(), false),
    X: () => tick(cursor(), true),
    n: () => document.querySelector('.fl-pages a[rel="next"]')?.click(),
    p: () => document.querySelector('.fl-pages a[rel="prev"]')?.click(),
    ".": () => document.getElementById("fl-show")?.click(),
    "/": () => document.getElementById("fl-text").select(),
    "?": () => help.showModal(),
    Escape: letGo,
  };

  const isTyping = (target) => target.matches(
    'textarea, select, [contenteditable], input:not([type="checkbox"]):not([type="radio"])');

  function hear(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]")) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    // Enter and Escape do what they always do; the others can be switched off.
    if (event.key.length === 1 && !triage.keysAreOn()) return;
    // Links and buttons take Enter for themselves. A box would send its form with it.
    if (event.key === "Enter" && event.target !== document.body && !tickOfRow(event.target)) return;
    const act = Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : null;
    if (!act) return;
    event.preventDefault();
    act();
  }

  document.addEventListener("keydown", hear);

  document.addEventListener("change", (event) => {
    if (event.target.id === "fl-all") {
      ticks().forEach((box) => { box.checked = event.target.checked; });
      tell();
    } else if (event.target.name === "group") {
      tell();
    }
  });

  document.addEventListener("click", (event) => {
    const box = event.target.closest('#fl-rows input[name="group"]');
    if (box) {
      const row = box.closest("tr");
      if (event.shiftKey && box.checked) tick(row, true);
      tickedLast = box.value;
    }
    // A menu closes when one looks elsewhere.
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

  // Rows that were replaced keep their ticks and the place one is at.
  document.addEventListener("fl:rows", (event) => {
    const { ticked, at } = event.detail;
    rows().forEach((row) => {
      const box = tickOf(row);
      if (box) box.checked = ticked.has(box.value);
      if (at && row.querySelector(".fl-what").href === at) row.classList.add(CURSOR);
    });
    tell();
  });

  if (!results()) return;
  keysButton.hidden = false;
  keysButton.addEventListener("click", () => help.showModal());
  keysOn.checked = triage.keysAreOn();
  keysOn.addEventListener("change", () => triage.switchKeys(keysOn.checked));
  tell();
})();
