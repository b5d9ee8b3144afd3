"use strict";

// Keeps the first page of the list fresh, and never moves a row that somebody is at: while the
// pointer or the focus is among the rows, or something is ticked or open, a button says how much
// is new, and the rows stay as they are.

(() => {
  const EVERY = 20000;
  const LONGEST = 300000;
  // After so many failures in a row it waits for somebody to ask.
  const TRIES = 6;
  const SWITCH = "faultline.refresh";

  const live = document.getElementById("fl-live");
  const auto = document.getElementById("fl-auto");
  const show = document.getElementById("fl-show");
  const told = document.getElementById("fl-told");
  const isFirstPage = !/[?&]page(\[|%5B)(after|before)/i.test(location.search);
  if (!live || !isFirstPage) return;

  let timer = 0;
  let failures = 0;
  let waiting = null;
  let asking = null;

  const results = (root) => root.querySelector("#fl-results");
  const rowsOf = (root) => [...root.querySelectorAll("#fl-rows > tr")];
  const keyOf = (row) => row.querySelector(".fl-what").getAttribute("href");
  // What of a row is worth showing again; "5 min ago" becomes "6 min ago" without being news.
  const newsOf = (row) => [
    row.querySelector(".fl-times").textContent,
    row.querySelector(".fl-what").textContent,
    row.querySelector(".fl-meta").textContent,
    row.querySelector("time").dateTime,
  ].join("\n");

  function isBusy() {
    const list = results(document);
    return Boolean(
      list.matches(":hover")
      || list.contains(document.activeElement)
      || list.querySelector("#fl-rows input:checked")
      || document.querySelector("dialog[open], details.fl-menu[open]"));
  }

  // Rows that came or changed; where none did, whether some went or moved.
  function countNews(before, after) {
    const known = new Map(before.map((row) => [keyOf(row), newsOf(row)]));
    const came = after.filter((row) => known.get(keyOf(row)) !== newsOf(row));
    const keys = (rows) => rows.map(keyOf).join("\n");
    return came.length || Number(keys(before) !== keys(after));
  }

  function freshenTimes(before, after) {
    const fresh = new Map(after.map((row) => [keyOf(row), row]));
    before.forEach((row) => {
      const times = fresh.get(keyOf(row))?.querySelectorAll("time");
      if (!times) return;
      row.querySelectorAll("time").forEach((time, index) => {
        if (time.dateTime === times[index].dateTime) time.textContent = times[index].textContent;
      });
    });
  }

  function replaceRows(page) {
    const list = results(document);
    const ticked = new Set(
      [...list.querySelectorAll('#fl-rows input[name="group"]:checked')].map((box) => box.value));
    const row = list.querySelector("#fl-rows > .fl-cursor");
    const scope = list.querySelector("#fl-scope")?.value;
    const at = row ? row.querySelector(".fl-what").href : null;
    const hadFocus = list.contains(document.activeElement);
    list.replaceChildren(...document.importNode(results(page), true).childNodes);
    if (scope && list.querySelector("#fl-scope")) list.querySelector("#fl-scope").value = scope;
    document.dispatchEvent(new CustomEvent("fl:rows", { detail: { ticked, at } }));
    if (hadFocus) list.querySelector(".fl-cursor .fl-what")?.focus({ preventScroll: true });
  }

  function swap(page, id) {
    const old = document.getElementById(id);
    const fresh = page.getElementById(id);
    if (old && fresh && !old.contains(document.activeElement)) {
      old.replaceWith(document.importNode(fresh, true));
    }
  }

  function take(page) {
    swap(page, "fl-tabs");
    swap(page, "fl-window");
    const before = rowsOf(document);
    const after = rowsOf(page);
    freshenTimes(before, after);
    const news = countNews(before, after);
    if (news === 0) {
      offer(null, 0);
    } else if (isBusy()) {
      offer(page, news);
    } else {
      replaceRows(page);
      offer(null, 0);
    }
  }

  function offer(page, news) {
    waiting = page;
    show.hidden = page === null;
    show.textContent = news === 1 ? "1 update: show" : `${news} updates: show`;
  }

  async function ask() {
    asking?.abort();
    asking = new AbortController();
    try {
      const answer = await fetch(location.href, {
        headers: { "X-Fragment": "list" },
        signal: AbortSignal.any([asking.signal, AbortSignal.timeout(EVERY)]),
      });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      // Whoever was logged out is led to the login page.
      if (answer.redirected && !results(page)) {
        failures = TRIES;
        told.textContent = "You are logged out: reload the page to log in again.";
        return;
      }
      if (!answer.ok || !results(page)) throw new Error(String(answer.status));
      failures = 0;
      told.textContent = "";
      take(page);
    } catch (error) {
      if (error.name === "AbortError") return;
      failures += 1;
      told.textContent = failures < TRIES
        ? "Could not refresh; trying again."
        : "Refreshing has stopped: reload the page to go on.";
    }
    plan();
  }

  function plan() {
    clearTimeout(timer);
    if (!auto.checked || document.hidden || failures >= TRIES) return;
    timer = setTimeout(ask, Math.min(LONGEST, EVERY * 2 ** failures));
  }

  show.addEventListener("click", () => {
    if (waiting) replaceRows(waiting);
    offer(null, 0);
  });
  auto.addEventListener("change", () => {
    triage.keep(SWITCH, auto.checked ? null : "off");
    failures = 0;
    told.textContent = "";
    if (auto.checked) ask(); else clearTimeout(timer);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) clearTimeout(timer);
    else if (auto.checked && failures < TRIES) ask();
  });

  auto.checked = triage.kept(SWITCH) !== "off";
  live.hidden = false;
  plan();
})();
