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

  return Object.freeze({
    kept,
    keep,
    // People who dictate need single keys to be off.
    keysAreOn: () => kept(KEYS) !== "off",
    switchKeys: (on) => keep(KEYS, on ? null : "off"),
  });
})();
