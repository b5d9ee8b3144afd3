"use strict";

// Coming back to the list where one was: from a group that was opened, or from a decision, after
// which the rows decided about may be gone. The page of a group is told the order of the list.

(() => {
  const rows = () => [...document.querySelectorAll("#fl-rows > tr")];
  const nameOf = (row) => row.querySelector(".fl-what").href;

  function keep(row) {
    if (!row) return;
    const place = { in: location.pathname, name: nameOf(row), at: rows().indexOf(row), y: scrollY };
    triage.keepHere("faultline.row", place);
  }

  // Only from this list or a page below it: whoever comes from elsewhere begins at the top.
  function isBack() {
    return document.referrer.startsWith(location.origin + location.pathname);
  }

  function goOn() {
    const place = triage.keptHere("faultline.row");
    triage.keepHere("faultline.row", null);
    if (place === null || place.in !== location.pathname || !isBack()) return;
    const all = rows();
    if (all.length === 0) {
      document.querySelector(".fl-empty a")?.focus();
      return;
    }
    const row = all.find((each) => nameOf(each) === place.name)
      ?? all[Math.min(place.at, all.length - 1)];
    row.classList.add("fl-cursor");
    row.querySelector(".fl-what").focus({ preventScroll: true });
    scrollTo(0, place.y);
    row.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("click", (event) => {
    const opened = event.target.closest("#fl-rows a");
    if (!opened) return;
    keep(opened.closest("tr"));
    if (opened.matches(".fl-what")) triage.keepHere("faultline.order", rows().map(nameOf));
  });

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("#bulk, #fl-dialogs form, .fl-told")) return;
    const ticked = document.querySelector('#fl-rows input[name="group"]:checked');
    keep(ticked?.closest("tr") ?? document.querySelector("#fl-rows > .fl-cursor"));
  });

  goOn();
})();
