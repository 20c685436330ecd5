// -- Deciding: held for a moment, in which it can be taken back, and then sent --

/** How many seconds a decision is held by default: see the settings. */
const GRACE = 3;
/** A browser sends no more than this when a page is left, in bytes: what is larger is not held. */
const MOST_HELD = 48_000;
/** For so long (ms) after the next request was shown by itself, a pointer decides nothing, and a key neither. */
const [POINTER_SETTLES, KEY_SETTLES] = [500, 200];

const toasts = document.getElementById("toasts");
/** What is decided and not yet sent, the latest last. */
let held = [];

function graceMs() {
  let seconds = GRACE;
  try {
    seconds = Number(localStorage.getItem("countersign-grace") ?? GRACE);
  } catch {
    // A browser that keeps nothing has the default.
  }
  return Math.min(10, Math.max(0, Number.isFinite(seconds) ? seconds : GRACE)) * 1000;
}

/** Decides: the rows leave at once, and the decision is sent when its time is over. */
function decide({ form, button, rows, card, then }) {
  const fields = new FormData(form, button);
  const body = new URLSearchParams(fields);
  const decision = { action: form.getAttribute("action"), body, rows, card, verb: verbOf(button) };
  decision.text = rows.length === 1 ? headline(rows[0]) : `${rows.length} requests`;
  rows.forEach((row) => row.classList.add("held"));
  rows.forEach((row) => (row.hidden = true));
  then();
  const waits = body.toString().length > MOST_HELD ? 0 : graceMs();
  if (waits === 0) return send(decision);
  held.push(decision);
  decision.timer = setTimeout(() => send(decision), waits);
  // All of it has to go when the page is left.
  while (held.length > 1 && held.reduce((sum, { body }) => sum + body.toString().length, 0) > MOST_HELD) send(held[0]);
  tell();
  refresh();
}

const VERBS = { allow: "Approved", "allow-edited": "Approved as edited", "allow-always": "Approved, and a rule made",
  deny: "Rejected", answer: "Answered", give: "Sent", decline: "Declined" };
const verbOf = (button) => VERBS[button?.value] ?? "Done";

/** Takes the latest decision back. */
function undo() {
  const decision = held.pop();
  if (!decision) return say("There is nothing to undo: what was sent stays as it is.");
  clearTimeout(decision.timer);
  giveBack(decision);
  tell();
  say("Undone: nothing was sent.");
}

/** Rows are there again, and what was typed. */
function giveBack(decision) {
  decision.rows.forEach((row) => {
    row.classList.remove("held");
    row.hidden = false;
    row.querySelectorAll(".pick").forEach((pick) => (pick.checked = false));
  });
  refresh();
  const [row] = decision.rows;
  if (!row?.isConnected) return;
  if (decision.card) ahead.set(row.dataset.requestId, decision.card);
  open(row.dataset.requestId);
  focusRow(row);
}

/** One message for all that can be taken back, with the latest of them. */
function tell() {
  toasts.querySelector(".undoable")?.remove();
  const latest = held.at(-1);
  if (!latest) return;
  const more = held.length > 1 ? ` (and ${held.length - 1} before)` : "";
  const message = toast(`${latest.verb}: ${latest.text}${more}`, "undoable");
  const button = document.createElement("button");
  button.type = "button";
  button.innerHTML = 'Undo <kbd aria-hidden="true">z</kbd>';
  button.addEventListener("click", undo);
  message.append(button);
}

function toast(text, kind) {
  const message = document.createElement("div");
  message.className = `toast ${kind}`;
  const words = document.createElement("span");
  words.textContent = text.length > 160 ? `${text.slice(0, 160)}…` : text;
  message.append(words);
  toasts.append(message);
  return message;
}

/** Says something that goes by itself. */
function say(text, kind = "said") {
  toasts.querySelectorAll(".said").forEach((old) => old.remove());
  const message = toast(text, `said ${kind}`);
  setTimeout(() => message.remove(), 6000);
}

async function send(decision, isLeaving = false) {
  held = held.filter((other) => other !== decision);
  clearTimeout(decision.timer);
  tell();
  const ids = decision.rows.map((row) => row.dataset.requestId);
  let answer;
  try {
    const headers = { accept: "application/json" };
    answer = await fetch(decision.action, { method: "POST", headers, body: decision.body, keepalive: isLeaving });
  } catch {
    return failed(decision, "The server does not answer. Try again: what was done already is not done twice.");
  }
  const result = await answer.json().catch(() => ({}));
  if (answer.status === 401) {
    giveBack(decision);
    return loggedOut();
  }
  if (answer.ok) {
    decision.rows.forEach((row) => row.remove());
    if (result.message?.includes(" ")) say(result.message);
  } else if (answer.status === 404 || answer.status === 409) {
    // Somebody else was faster: the row says who.
    decision.rows.forEach((row) => row.classList.remove("held"));
    say(result.error ?? "It was resolved already.", "bad");
    await look(ids);
  } else {
    failed(decision, result.error ?? "That did not work. Try again.");
  }
  refresh();
}

/** Somebody else was faster than what is held here: there is nothing to send any more, and the row says who. */
function overtaken(row) {
  const own = held.find(({ rows }) => rows.length === 1 && rows[0].dataset.requestId === row.dataset.requestId);
  if (!own) return;
  clearTimeout(own.timer);
  held = held.filter((decision) => decision !== own);
  tell();
  say(`${own.text}: ${row.querySelector(".when").textContent}`, "bad");
}

/** Back to what could not be sent, with the reason. */
function failed(decision, text) {
  giveBack(decision);
  if (decision.rows.length === 0 && decision.card) show(decision.card);
  const problem = opened()?.querySelector(".problem");
  const { requestId } = (decision.card ?? decision.rows[0]).dataset;
  if (!problem || opened().dataset.requestId !== requestId) return say(text, "bad");
  problem.textContent = text;
  problem.hidden = false;
}

/** Sends at once all that is held. */
function flush(isLeaving) {
  return Promise.all([...held].map((decision) => send(decision, isLeaving)));
}

addEventListener("pagehide", () => flush(true));
document.addEventListener("visibilitychange", () => document.hidden && flush(true));
// A log-out would be faster than what is sent when a page is left.
document.querySelector("form.who")?.addEventListener("submit", async (event) => {
  if (held.length === 0) return;
  event.preventDefault();
  const form = event.target;
  await flush(false);
  form.submit();
});

/** What is wrong with what was typed, as far as it can be known here. */
function faultOf(form, button) {
  if (button?.value !== "allow-edited") return null;
  try {
    JSON.parse(form.elements.input.value);
    return null;
  } catch (error) {
    return `The edited input is not JSON: ${error.message}`;
  }
}

let isByPointer = false;
pane.addEventListener("pointerdown", () => (isByPointer = true), true);
document.addEventListener("keydown", () => (isByPointer = false), true);

pane.addEventListener("submit", (event) => {
  event.preventDefault();
  const [form, button] = [event.target, event.submitter];
  if (form.matches(".later")) return putOff(form, button);
  const card = form.closest(".card");
  const id = card.dataset.requestId;
  const settles = isByPointer ? POINTER_SETTLES : KEY_SETTLES;
  if (movedOn.to === id && performance.now() - movedOn.at < settles) return say("This one has just come. Press again.");
  const problem = card.querySelector(".problem");
  const fault = faultOf(form, button);
  problem.hidden = fault === null;
  problem.textContent = fault ?? "";
  if (fault !== null) return;
  card.querySelectorAll("[popover]").forEach((sheet) => sheet.matches(":popover-open") && sheet.hidePopover());
  const row = rowOf(id);
  const then = moveOn(row);
  decide({ form, button, card, rows: row ? [row] : [], then });
});

/** Puts the request off, for this person alone. */
async function putOff(form, button) {
  const id = form.closest(".card").dataset.requestId;
  const row = rowOf(id);
  const headers = { accept: "application/json" };
  const body = new URLSearchParams(new FormData(form, button));
  try {
    const answer = await fetch(form.getAttribute("action"), { method: "POST", headers, body });
    if (answer.status === 401) return loggedOut();
    const result = await answer.json();
    form.hidePopover?.();
    if (!answer.ok) return say(result.error, "bad");
    const then = moveOn(row);
    row?.remove();
    then();
    say("Put off: it is back by itself.");
    schedule();
  } catch {
    say("The server does not answer. Try again.", "bad");
  }
}
