// -- Deciding: held for a moment, in which it can be taken back, and then sent --

/** How many seconds a decision is held by default: see the settings. */
const GRACE = 3;
/** A browser sends no more than this when a page is left, in bytes: what is larger is not held. */
const MOST_HELD = 48_000;
/** For so long (ms) after the next request was shown by itself, a pointer decides nothing, and a key neither. */
const [POINTER_SETTLES, KEY_SETTLES] = [500, 300];

/** What is decided and not yet sent, the latest last. */
let held = [];
/** What was sent and is not answered yet: with the page its answer goes, and perhaps the request. */
let underWay = [];
/** Whether the latest decision was sent at once, so that there is nothing of it to undo. */
let isLatestSent = false;
/** Whether the page is being left, and whether for a log-out. */
let [isLeft, isLoggingOut] = [false, false];

function graceMs() {
  let seconds = GRACE;
  try {
    seconds = Number(localStorage.getItem("countersign-grace") ?? GRACE);
  } catch {
    // A browser that keeps nothing has the default.
  }
  return Math.min(10, Math.max(0, Number.isFinite(seconds) ? seconds : GRACE)) * 1000;
}

/** Decides: the rows leave at once, and the decision is sent when its time is over. `ids` are what is decided. */
function decide({ form, button, rows, ids, card, then, restore, reason = "" }) {
  const body = new URLSearchParams(new FormData(form, button));
  const decision = { action: form.getAttribute("action"), body, rows, ids, card, restore, reason, isOfMany: ids.length > 1, verb: verbOf(button) };
  toasts.querySelectorAll(".said").forEach((old) => old.remove());
  ids.forEach(forget);
  rows.forEach((row) => row.classList.add("held"));
  rows.forEach((row) => (row.hidden = true));
  card?.remove();
  refresh();
  then();
  const waits = sizeOf(decision) > MOST_HELD ? 0 : graceMs();
  isLatestSent = waits === 0;
  if (waits === 0) return send(decision);
  held.push(decision);
  decision.timer = setTimeout(() => send(decision), waits);
  // All of it has to go when the page is left.
  while (held.reduce((sum, other) => sum + sizeOf(other), 0) > MOST_HELD) send(held[0]);
  tell();
}

const sizeOf = ({ body }) => body.toString().length;
/** What a decision is about, in a few words. */
const about = ({ rows, ids, card }) =>
  ids.length > 1 ? `${ids.length} requests` : rows[0] ? headline(rows[0]) : card ? headlineOf(card) : ids[0];

/** What the request asks, in a line. */
function headlineOf(card) {
  const asked = card.querySelector(".asked, .decide").innerText.trim().replace(/\s+/g, " ");
  return `${card.querySelector(".agent").textContent}: ${asked.slice(0, 100)}`;
}

const VERBS = { allow: "Approved", "allow-edited": "Approved as edited", "allow-always": "Approved, and a rule made",
  deny: "Rejected", answer: "Answered", give: "Sent", decline: "Declined" };
const verbOf = (button) => VERBS[button?.value] ?? "Done";

/** Takes the latest decision back. */
function undo() {
  if (isLatestSent && held.length > 0) {
    isLatestSent = false;
    return say("The latest one was sent at once, and stays. Press again to undo the one before.");
  }
  const decision = held.pop();
  if (!decision) return say("There is nothing to undo: what was sent stays as it is.");
  clearTimeout(decision.timer);
  giveBack(decision);
  tell();
  say("Undone: nothing was sent.");
  const id = decision.ids.find((id) => rowOf(id)) ?? decision.ids[0];
  // What is pressed while it comes back was not meant for it.
  movedOn = { to: id, at: performance.now() };
  open(id, { isByHand: isOnScreen() });
  focusRow(rowOf(id));
}

/** Rows are there again, and what was typed; nothing else is moved. */
function giveBack(decision) {
  decision.rows.forEach((row) => {
    row.classList.remove("held");
    row.hidden = false;
    row.querySelectorAll(".pick").forEach((pick) => (pick.checked = false));
  });
  if (decision.card) drafts.set(decision.ids[0], decision.card);
  decision.restore?.();
  refresh();
}

/** Somebody else was faster; what was written is not lost. */
function tellOver(id, text, { card, reason, isOfMany }) {
  const texts = card ? Object.values(valuesOf(card)) : [reason].filter(Boolean);
  if (leaveOver(id, texts)) stay(id, `${text}. What you had written is with it.`);
  else if (isOfMany) stay(id, text);
  else say(text, "bad");
}

async function send(decision, isLeaving = false) {
  held = held.filter((other) => other !== decision);
  clearTimeout(decision.timer);
  tell();
  let answer, result;
  underWay.push(decision);
  try {
    const headers = { accept: "application/json" };
    answer = await fetch(decision.action, { method: "POST", headers, body: decision.body, keepalive: isLeaving });
    result = await answer.json().catch(() => ({}));
  } catch {
    // A page that is being left is told of no answer.
    return isLeft ? undefined : failed(decision, "The server does not answer. Try again: what was done already is not done twice.");
  } finally {
    underWay = underWay.filter((other) => other !== decision);
  }
  if (answer.status === 401) {
    loggedOut();
    return failed(decision, "You were logged out before it was.");
  }
  const isOurs = answer.headers.get("content-type")?.startsWith("application/json");
  if (answer.ok && !isOurs) {
    failed(decision, "Something else than the server answered: whether it was taken is not known. Try again.");
  } else if (answer.ok) {
    decision.rows.forEach((row) => row.remove());
    decision.ids.forEach((id) => drafts.delete(id));
    if (result.message?.includes(" ")) say(result.message);
  } else if (answer.status === 404 || answer.status === 409) {
    // Somebody else was faster: the row says who.
    decision.rows.forEach((row) => row.classList.remove("held"));
    tellOver(decision.ids[0], `${about(decision)}: ${result.error ?? "it was resolved already"}`, decision);
    await look(decision.ids);
  } else {
    failed(decision, result.error ?? "That did not work. Try again.");
  }
  // There may be more on the pages after this one.
  looked = Math.max(looked, MOST);
  refresh();
}

/** Somebody else was faster than what is held here, or the same person elsewhere: that one is sent no more, and its row says how
 * it ended. Whether it was held. */
function overtaken(row) {
  const id = row.dataset.requestId;
  const own = held.find(({ ids }) => ids.includes(id));
  if (!own) return false;
  const what = about({ rows: [row], ids: [id] });
  own.ids = own.ids.filter((other) => other !== id);
  own.rows = own.rows.filter((other) => other.dataset.requestId !== id);
  const left = own.body.getAll("id").filter((other) => other !== id);
  own.body.delete("id");
  left.forEach((other) => own.body.append("id", other));
  if (own.ids.length === 0) {
    clearTimeout(own.timer);
    held = held.filter((decision) => decision !== own);
  }
  tell();
  tellOver(id, `${what}: ${row.querySelector(".when").textContent}`, own);
  return true;
}

/** What could not be sent waits again, with what was typed and the reason; what is being read stays where it is. */
function failed(decision, text) {
  const problem = decision.card?.querySelector(".problem");
  if (problem) {
    problem.textContent = text;
    problem.hidden = false;
  }
  const what = about(decision);
  giveBack(decision);
  stay(decision.ids[0], `Not sent: ${what}. ${text}`);
  if (opened() || !isOnScreen()) return;
  movedOn = { to: decision.ids[0], at: performance.now() };
  open(decision.ids[0], { isByHand: false });
}

/** Sends at once all that is held. */
function flush(isLeaving) {
  return Promise.all([...held].map((decision) => send(decision, isLeaving)));
}

addEventListener("pagehide", () => {
  isLeft = true;
  keepTyped();
  flush(true);
});
// A page that the browser has kept shows what was.
addEventListener("pageshow", (event) => event.persisted && location.reload());
document.addEventListener("visibilitychange", () => document.hidden && flush(true));
// A log-out would be faster than what is sent when a page is left.
document.querySelector("form.who")?.addEventListener("submit", async (event) => {
  isLoggingOut = true;
  if (held.length === 0) return;
  event.preventDefault();
  const form = event.target;
  await flush(false);
  form.submit();
});

/** What is wrong with what was typed, as far as it can be known here. */
function faultOf(form, button) {
  const fields = form.elements;
  const isEdited = fields.input && fields.input.value !== fields.input.defaultValue;
  const isWritten = fields.comment && fields.comment.value.trim() !== "";
  if (button?.value.startsWith("allow") && isWritten) return "You have written a reason to reject it: reject it, or clear the reason.";
  if (["allow", "allow-always"].includes(button?.value) && isEdited) return "You have edited the input: approve it as edited, or put it back.";
  if (button?.value === "allow-always" && !form.querySelector("[name=pattern]:checked")) return "Choose what the rule is to cover.";
  if (button?.value === "answer") return unanswered(form);
  if (button?.value !== "allow-edited") return null;
  try {
    JSON.parse(fields.input.value);
    return null;
  } catch (error) {
    return `The edited input is not JSON: ${error.message}`;
  }
}

function unanswered(form) {
  const isAnswered = (entry) => entry.querySelector(":checked") || [...entry.querySelectorAll("textarea")].some(({ value }) => value.trim());
  const all = [...form.querySelectorAll("fieldset")].every(isAnswered);
  return all ? null : "Each question needs an answer: choose one, write one, or skip it.";
}

/** Whether only Enter was pressed in a field, for which browsers take the first button: it decides nothing. */
function isNothing(button) {
  if (button?.value !== "") return false;
  say("Enter decides nothing here: choose a button.");
  return true;
}

let isByPointer = false;
pane.addEventListener("pointerdown", () => (isByPointer = true), true);
document.addEventListener("keydown", () => (isByPointer = false), true);

pane.addEventListener("submit", (event) => {
  event.preventDefault();
  const [form, button] = [event.target, event.submitter];
  if (form.matches(".later")) return putOff(form, button);
  if (isNothing(button)) return;
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
  const rows = [rowOf(id)].filter(Boolean);
  decide({ form, button, card, rows, ids: [id], then: moveOn(rows) });
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
    const then = moveOn([row].filter(Boolean));
    row?.remove();
    then();
    say("Put off: it is back by itself.");
    schedule();
    tabs.postMessage("changed");
  } catch {
    say("The server does not answer. Try again.", "bad");
  }
}
