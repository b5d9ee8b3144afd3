"use strict";

// What all pages of groups share: what this browser remembers, and whether single keys are on.

const triage = (() => {
  const KEYS = "faultline.keys";

  // A browser may forbid to remember; then nothing is.
  function kept(name) {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  }

  function keep(name, value) {
    try {
      if (value === null) localStorage.removeItem(name);
      else localStorage.setItem(name, value);
    } catch {
      // Until the page is left, then.
    }
  }

  // The same for this tab alone, and for anything JSON can hold.
  function keptHere(name) {
    try {
      return JSON.parse(sessionStorage.getItem(name));
    } catch {
      return null;
    }
  }

  function keepHere(name, value) {
    try {
      if (value === null) sessionStorage.removeItem(name);
      else sessionStorage.setItem(name, JSON.stringify(value));
    } catch {
      // Then one goes without.
    }
  }

  function hideMessages() {
    for (const list of document.querySelectorAll(".messagelist")) list.hidden = true;
  }

  const keysAreOn = () => kept(KEYS) !== "off";

  // Whether a key is for the page: not for the browser or a dialog, and not switched off. Enter and
  // Escape do what they always do; the others can be.
  function hears(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
    if (document.querySelector("dialog[open]") !== null) return false;
    // Browsers that fill in a field send events without a key.
    return event.key?.length !== 1 || keysAreOn();
  }

  // Boxes take no letters for themselves.
  const isTyping = (target) => target.matches(
    'textarea, select, [contenteditable], input:not([type="checkbox"], [type="radio"])');

  // What was just done is undone from wherever one is.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "z" || event.repeat || !hears(event) || isTyping(event.target)) return;
    const undo = document.querySelector('form[action$="/undo/"] button');
    if (undo === null || undo.closest("form").hidden) return;
    event.preventDefault();
    undo.click();
  });

  for (const list of document.querySelectorAll(".messagelist")) {
    const close = document.createElement("button");
    close.type = "button";
    close.className = "fl-button fl-close";
    close.setAttribute("aria-label", "Hide");
    close.textContent = "\u00d7";
    close.addEventListener("click", hideMessages);
    list.append(close);
  }

  return Object.freeze({
    kept,
    keep,
    keptHere,
    keepHere,
    hideMessages,
    // People who dictate need single keys to be off.
    keysAreOn,
    hears,
    isTyping,
    switchKeys: (on) => keep(KEYS, on ? null : "off"),
  });
})();
