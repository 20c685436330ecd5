"use strict";
// What all pages have: keys that lead from one to another, and what is done where the session has ended meanwhile. What was typed
// stays then, and goes on after a log-in.

/** What stands before each path. */
const { base } = document.documentElement.dataset;
const ended = document.getElementById("ended");

function parsed(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

/** Asks for a page; null where there is none to be had, and a word about it where the session has ended. */
async function ask(path) {
  try {
    const answer = await fetch(path, { headers: { accept: "text/html" }, redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 401) return loggedOut();
    return answer.ok ? answer.text() : null;
  } catch {
    return null;
  }
}

/** Who is logged in, as a page says it. */
const whose = (page) => page.querySelector(".who a")?.textContent.replace(/\s+/g, " ").trim();

/** What was open and had the focus when the session ended. */
let interrupted = {};

/** The session has ended: what is on the page stays, and goes on once the person has logged in again. */
function loggedOut() {
  document.dispatchEvent(new Event("loggedout"));
  if (ended.open) return null;
  interrupted = { sheet: document.querySelector(":popover-open"), field: document.activeElement };
  ended.showModal();
  return null;
}

/** The forms carry the word of the session that there is now. Where that is another person's, nothing goes on: `false`. */
function renew(page) {
  const [now, then] = [whose(page), whose(document)];
  if (now !== then) {
    document.getElementById("ended-title").textContent = `${now} is logged in now`;
    ended.querySelector("p").textContent = `This page is of ${then}. Nothing of it is sent any more: load it anew to go on as ${now}.`;
    document.getElementById("log-in").hidden = true;
    ended.dataset.isAnothers = "yes";
    if (!ended.open) ended.showModal();
    return false;
  }
  const csrf = page.querySelector("[name=csrf]")?.value;
  if (csrf) document.querySelectorAll("[name=csrf]").forEach((field) => (field.value = csrf));
  return true;
}

/** Whether the page's person is logged in still, or again. */
async function isStillTheirs() {
  const html = await ask(`${base}/`);
  return html !== null && renew(parsed(html));
}

ended.addEventListener("close", async () => {
  if (ended.dataset.isAnothers) return location.reload();
  const { sheet, field } = interrupted;
  if (sheet?.isConnected) sheet.showPopover();
  if (field?.isConnected) field.focus({ preventScroll: true });
  if (await isStillTheirs()) document.dispatchEvent(new Event("loggedin"));
});
// Back from the log-in in another tab.
addEventListener("focus", () => ended.open && ended.close());

addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("[data-is-sent]").forEach((form) => delete form.dataset.isSent);
});

/** A form that changes something is sent as soon as it is known that the session is still there. */
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.matches(".who")) return;
  event.preventDefault();
  // A second press is the same one.
  if (form.dataset.isSent) return;
  form.dataset.isSent = "yes";
  const button = event.submitter;
  if ((await ask(`${base}/rows?ids=`)) === null && ended.open) return delete form.dataset.isSent;
  if (button?.name) {
    const said = Object.assign(document.createElement("input"), { type: "hidden", name: button.name, value: button.value });
    form.append(said);
  }
  if (button?.hasAttribute("formaction")) form.action = button.formAction;
  HTMLFormElement.prototype.submit.call(form);
});

// -- Keys --

const PLACES = { q: "/", r: "/rules", h: "/history", a: "/agents" };
let isGoing = false;

const isField = (target) => target.matches("input:not([type=checkbox], [type=radio]), textarea, select");

/** Whether a key is meant for the page: nothing is typed, nothing is open over it, and the browser means nothing by it. */
function isForPage(event) {
  const isChord = event.repeat || event.ctrlKey || event.metaKey || event.altKey;
  return !isChord && !isField(event.target) && !document.querySelector("dialog[open], :popover-open");
}

document.addEventListener("keydown", (event) => {
  const place = isGoing && PLACES[event.key];
  isGoing = event.key === "g" && isForPage(event);
  if (!place || !isForPage(event)) return;
  // The second key means nothing else: on the queue it would decide.
  event.preventDefault();
  event.stopImmediatePropagation();
  location.assign(base + place);
});

const places = document.getElementById("places");
if (places) {
  const find = document.getElementById("q");
  document.addEventListener("keydown", (event) => {
    if (!isForPage(event)) return;
    if (event.key === "?") places.showModal();
    else if (event.key === "/" && find) find.focus();
    else return;
    event.preventDefault();
  });
}
