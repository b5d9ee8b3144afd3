"use strict";

// Which groups of the list are chosen: ticked ones, or all that match, also those of other pages.
// `fl-scope` says which of the two; without this script people choose it there by hand.

const listTicks = (() => {
  const MATCHING = "matching";
  // The value of its box: rows are replaced.
  let last = null;

  const rows = () => [...document.querySelectorAll("#fl-rows > tr")];
  const boxOf = (row) => row?.querySelector('input[name="group"]');
  const boxes = () => [...document.querySelectorAll('#fl-rows input[name="group"]')];
  const scope = () => document.getElementById("fl-scope");
  const every = () => document.getElementById("fl-every");
  const isMatching = () => scope()?.value === MATCHING;

  function choose(value) {
    if (!scope()) return;
    scope().value = value;
    if (value === MATCHING) boxes().forEach((box) => { box.checked = true; });
    tell();
  }

  function tickAll(on) {
    boxes().forEach((box) => { box.checked = on; });
    choose("ticked");
  }

  function tick(row, upTo) {
    const box = boxOf(row);
    if (!box) return;
    const all = rows();
    box.checked = upTo || !box.checked;
    const from = all.findIndex((each) => boxOf(each).value === last);
    if (upTo && from >= 0) {
      const to = all.indexOf(row);
      all.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((each) => {
        boxOf(each).checked = true;
      });
    }
    last = box.value;
    tell();
  }

  // None, all of the page, all that match, and none again.
  function more() {
    const isFull = boxes().every((box) => box.checked);
    if (!isFull) tickAll(true);
    else if (every() && !isMatching()) choose(MATCHING);
    else tickAll(false);
  }

  // How many are chosen, and what the box above all of them looks like.
  function tell() {
    const all = boxes();
    const count = all.filter((box) => box.checked).length;
    // Whoever unticks one does not mean all that match any more.
    if (isMatching() && count < all.length) scope().value = "ticked";
    all.forEach((box) => box.closest("tr").classList.toggle("fl-ticked", box.checked));
    const above = document.getElementById("fl-all");
    if (!above) return;
    above.closest("label").hidden = false;
    above.checked = count > 0 && count === all.length;
    above.indeterminate = count > 0 && count < all.length;
    document.getElementById("fl-count").textContent = count && !isMatching() ? `${count} ticked` : "";
    if (every()) every().hidden = !above.checked || isMatching();
  }

  document.addEventListener("change", (event) => {
    if (event.target.id === "fl-all") tickAll(event.target.checked);
    else if (event.target.id === "fl-scope") {
      if (isMatching()) choose(MATCHING);
      else tickAll(false);
    } else if (event.target.name === "group") tell();
  });

  document.addEventListener("click", (event) => {
    const box = event.target.closest('#fl-rows input[name="group"]');
    if (box) {
      if (event.shiftKey && box.checked) tick(box.closest("tr"), true);
      last = box.value;
    }
    if (event.target.closest("#fl-every")) {
      choose(MATCHING);
      // The button is gone: what is next is to decide.
      document.querySelector('#bulk [data-fl-action="resolve"]')?.focus();
    }
  });

  // Rows that were replaced keep their ticks.
  document.addEventListener("fl:rows", (event) => {
    boxes().forEach((box) => { box.checked = isMatching() || event.detail.ticked.has(box.value); });
    tell();
  });

  return Object.freeze({
    tick,
    more,
    tell,
    none: () => tickAll(false),
    any: () => boxes().some((box) => box.checked),
  });
})();
