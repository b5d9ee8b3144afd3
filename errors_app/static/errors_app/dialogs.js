"use strict";

// The dialogs that decide about groups, and forms that must not be sent twice. Everything here is
// the quick way to what the pages do without a script, too.
(() => {
  const keys = { r: "resolve", i: "ignore", u: "unresolve" };
  const dialogs = document.getElementById("fl-dialogs");
  // The rows of a list may be replaced by newer ones.
  const bulk = () => document.getElementById("bulk");
  const hasGroups = dialogs !== null && "many" in dialogs.dataset;

  // --- sent once ---------------------------------------------------------------------------

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !("flOnce" in form.dataset)) return;
    if ("flSent" in form.dataset) {
      event.preventDefault();
      return;
    }
    form.dataset.flSent = "";
    form.setAttribute("aria-busy", "true");
  });

  // Whoever comes back to a page by the browser's button may send it again, as something new.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const form of document.querySelectorAll("form[data-fl-sent]")) {
      delete form.dataset.flSent;
      form.removeAttribute("aria-busy");
      renew(form);
    }
  });

  function renew(form) {
    const attempt = form.elements.namedItem("attempt");
    if (attempt === null) return;
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    attempt.value = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  // --- which groups ------------------------------------------------------------------------

  function chosen() {
    const ticked = Array.from(bulk().querySelectorAll('input[name="group"]:checked'));
    if (ticked.length > 0) return ticked;
    const under = bulk().querySelector('.fl-cursor input[name="group"]');
    return under === null ? [] : [under];
  }

  function hidden(name, value) {
    const input = document.createElement("input");
    input.type = "hidden";
    input.name = name;
    input.value = value;
    return input;
  }

  // All that match is decided on a page of its own, which says how many they are.
  function ask(action) {
    const button = bulk().querySelector(`button[name="action"][value="${action}"]`);
    if (button !== null) {
      bulk().requestSubmit(button);
      return;
    }
    bulk().append(hidden("action", action));
    bulk().requestSubmit();
  }

  function fill(dialog, boxes) {
    const sent = boxes.map((box) => hidden("group", box.value));
    const filter = bulk().elements.namedItem("filter");
    if (filter !== null) sent.push(hidden("filter", filter.value));
    dialog.querySelector("[data-fl-chosen]").replaceChildren(...sent);
    dialog.querySelector("[data-fl-what]").textContent =
      boxes.length === 1 ? nameOf(boxes[0]) : `${boxes.length} groups`;
  }

  function nameOf(box) {
    const name = rowOf(box)?.querySelector(".fl-what")?.textContent.trim().replace(/\s+/g, " ");
    if (!name) return "1 group";
    return name.length > 120 ? `${name.slice(0, 119)}…` : name;
  }

  const rowOf = (box) => box.closest("tr");

  let saying = 0;

  function say(words) {
    const place = dialogs.querySelector("[data-fl-say]");
    place.textContent = "";
    place.textContent = words;
    clearTimeout(saying);
    saying = setTimeout(() => { place.textContent = ""; }, 6000);
  }

  // --- opening -----------------------------------------------------------------------------

  function open(action) {
    if (dialogs === null) return;
    const dialog = document.getElementById(`fl-${action}`);
    if (dialog === null) {
      say(hasGroups ? "All groups here are unresolved already." : "This group is unresolved already.");
      return;
    }
    if (hasGroups) {
      if (bulk() === null) return;
      if (new FormData(bulk()).get("scope") === "matching") {
        ask(action);
        return;
      }
      const boxes = chosen();
      if (boxes.length === 0) {
        say("No group is chosen: tick some, or move to one with j and k.");
        return;
      }
      fill(dialog, boxes);
    }
    say("");
    renew(dialog.querySelector("form"));
    dialog.showModal();
    aim(dialog);
    if (action === "resolve") readVersions(dialog);
  }

  // Enter does the usual thing, and the arrows choose another one.
  function aim(place) {
    (place.querySelector('input[type="radio"]:checked') ?? place.querySelector(".fl-main")).focus();
  }

  let versionsAsked = false;

  // The versions seen are worth a question only once somebody resolves.
  async function readVersions(dialog) {
    if (versionsAsked) return;
    versionsAsked = true;
    try {
      const answer = await fetch(dialogs.dataset.versions, {
        headers: { accept: "application/json" },
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const seen = await answer.json();
      dialog.querySelector("[data-fl-newest]").textContent =
        seen.newest === null ? "no run has named a version yet" : `after ${seen.newest}, the newest seen`;
      const options = seen.last.map((version) => {
        const option = document.createElement("option");
        option.value = version;
        return option;
      });
      dialog.querySelector("[data-fl-seen]").replaceChildren(...options);
    } catch {
      // The form works without them; another opening asks again.
      versionsAsked = false;
    }
  }

  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    const opener = event.target.closest("[data-fl-action]");
    const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (opener !== null && dialogs !== null && plain) {
      event.preventDefault();
      open(opener.dataset.flAction);
      return;
    }
    const closer = event.target.closest("[data-fl-close]");
    if (closer !== null) closer.closest("dialog").close();
    const filler = event.target.closest("[data-fl-fills]");
    if (filler !== null) document.getElementById(filler.dataset.flFills).value = filler.value;
    // Beside the dialog.
    if (event.target instanceof HTMLDialogElement) event.target.close();
  });

  document.addEventListener("keydown", (event) => {
    const action = keys[event.key];
    if (action === undefined || dialogs === null || event.repeat) return;
    if (!triage.hears(event) || triage.isTyping(event.target)) return;
    event.preventDefault();
    open(action);
  });

  // --- fields ------------------------------------------------------------------------------

  for (const preset of document.querySelectorAll("[data-fl-fills]")) preset.hidden = false;

  // Whoever fills in a version or a date means it.
  document.addEventListener("input", (event) => {
    const picks = event.target instanceof HTMLElement && event.target.dataset.flPicks;
    if (!picks || event.target.value === "") return;
    const [name, value] = picks.split(":");
    for (const radio of event.target.form.querySelectorAll(`input[name="${name}"]`)) {
      radio.checked = radio.value === value;
    }
  });

  // Whoever chooses something else does not mean it any more.
  document.addEventListener("change", (event) => {
    if (!(event.target instanceof HTMLInputElement) || event.target.type !== "radio") return;
    for (const field of event.target.form.querySelectorAll("[data-fl-picks]")) {
      const [name, value] = field.dataset.flPicks.split(":");
      if (name === event.target.name && value !== event.target.value) field.value = "";
    }
  });

  const page = document.querySelector("form.fl-decision");
  if (page !== null && page.querySelector("[aria-invalid]") === null) aim(page);

  // --- the time left for an undo -----------------------------------------------------------

  for (const left of document.querySelectorAll("[data-fl-seconds]")) {
    const end = Date.now() + Number(left.dataset.flSeconds) * 1000;
    const timer = setInterval(() => {
      const seconds = Math.floor((end - Date.now()) / 1000);
      if (seconds > 0) {
        left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} left`;
        return;
      }
      clearInterval(timer);
      left.closest("form").hidden = true;
    }, 1000);
  }
})();
