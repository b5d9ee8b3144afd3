"use strict";

// The page of one group: keys, copying, and the way through the list it was opened from.

(() => {
  const list = new URLSearchParams(location.search).get("list");
  const back = document.getElementById("fl-back");
  const keys = document.getElementById("fl-group-keys");
  const copyButton = document.querySelector("[data-fl-copy]");

  // The groups of the list, in its order: as it was when one of them was opened, so that a group
  // that leaves the list when it is resolved does not lose the way.
  const ORDER = "faultline.order";
  const place = (address) => {
    const url = new URL(address, location.href);
    return `${url.pathname}?${url.searchParams.get("taskIdentifier") || ""}`;
  };
  const at = (addresses) => addresses.map(place).indexOf(place(location.href));

  const order = async () => {
    const known = triage.keptHere(ORDER) || [];
    if (at(known) >= 0) return known;
    const response = await fetch(back.href, { headers: { "X-Fragment": "list" } });
    if (!response.ok) return [];
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const found = [...page.querySelectorAll("#fl-rows a.fl-what")].map(
      (link) => new URL(link.getAttribute("href"), back.href).href
    );
    triage.keepHere(ORDER, found);
    return found;
  };
  // Without an order, j and k lead back to the list.
  const ready = list && back ? order().catch(() => []) : Promise.resolve([]);

  // Beyond either end there is the list itself.
  const beside = (addresses, step) => {
    const here = at(addresses);
    return (here >= 0 && addresses[here + step]) || back.href;
  };

  const move = async (step) => {
    if (list) location.assign(beside(await ready, step));
  };

  ready.then((addresses) => {
    const through = document.getElementById("fl-through");
    const here = at(addresses);
    if (!through || here < 0) return;
    document.getElementById("fl-at").textContent = `${here + 1} of ${addresses.length}`;
    document.getElementById("fl-before").href = beside(addresses, -1);
    document.getElementById("fl-after").href = beside(addresses, 1);
    through.hidden = false;
  });

  const copy = async () => {
    const text = document.getElementById(copyButton.dataset.flCopy);
    const told = document.querySelector("[data-fl-copied]");
    text.closest("details").open = true;
    try {
      await navigator.clipboard.writeText(text.value);
      told.textContent = "Copied.";
    } catch {
      // Only pages of secure origins may write there.
      text.focus();
      text.select();
      told.textContent = document.execCommand("copy") ? "Copied." : "Press Ctrl+C to copy.";
    }
  };
  if (copyButton) {
    copyButton.hidden = false;
    copyButton.addEventListener("click", copy);
  }

  const actions = {
    j: () => move(1),
    k: () => move(-1),
    l: () => back && location.assign(back.href),
    m: () => copyButton && copy(),
    "?": () => keys && keys.showModal(),
    Escape: () => triage.hideMessages(),
  };
  document.addEventListener("keydown", (event) => {
    if (!triage.hears(event) || triage.isTyping(event.target)) return;
    const act = Object.hasOwn(actions, event.key) ? actions[event.key] : null;
    if (!act) return;
    event.preventDefault();
    act();
  });
})();
