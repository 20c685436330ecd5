"use strict";
// What is live on the queue: cards come and change by themselves, times count, keys decide. Without it the page works by its
// forms alone.

/** What stands before each path. */
const { base } = document.documentElement.dataset;
const queue = document.getElementById("queue");
const many = document.getElementById("many");
const help = document.getElementById("help");
const line = document.getElementById("line");
const byId = (id) => document.getElementById(`card-${id}`);
const pending = () => [...queue.querySelectorAll(".card.pending")];
const say = (text) => (document.getElementById("said").textContent = text);
const title = (card) => card.querySelector("h2").textContent.replace(/\s+/g, " ").trim();

// -- Cards --

/** After a card has moved in, what was aimed at may be elsewhere: for so long (ms) a pointer approves nothing. */
const SETTLING = 500;
/** After the focus has moved on by itself, a key that is pressed twice decides nothing for so long (ms). */
const BREATH = 700;
/** The most cards that are kept on the page. */
const MOST = 150;
/** How many were waiting here when the whole queue was last looked at. */
let shown = 0;
let shiftedAt = -Infinity;
let movedOn = { to: null, at: -Infinity };
let beyond = Number.parseInt(document.getElementById("beyond")?.textContent ?? "0", 10);

/** Asks for a page; null, and a word about it, where there is none to be had. */
async function ask(path) {
  try {
    const answer = await fetch(path, { headers: { accept: "text/html" }, redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 401) return loggedOut();
    return answer.ok ? answer.text() : null;
  } catch {
    return null;
  }
}

function parsed(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

/** Looks at these cards again. */
async function look(ids) {
  while (ids.length > 0) {
    const html = await ask(`${base}/cards?ids=${ids.slice(0, 50).join(",")}`);
    if (html === null) break;
    const cards = [...parsed(html).querySelectorAll(".card")];
    cards.forEach(place);
    // An answer has as many as it can take: the rest is asked for again, and what is unknown is not.
    const last = ids.indexOf(cards.at(-1)?.dataset.id);
    ids = ids.slice(last < 0 ? 50 : last + 1);
  }
  refresh();
}

/** Looks at the whole queue again, and keeps what is being typed. */
async function lookAtAll() {
  const html = await ask(location.pathname + location.search);
  if (html === null) return;
  const page = parsed(html);
  const cards = [...page.querySelectorAll("#queue .card")];
  const here = new Set(cards.map((card) => card.dataset.id));
  beyond = Number.parseInt(page.getElementById("beyond")?.textContent ?? "0", 10);
  cards.forEach(place);
  const gone = pending().filter((card) => !here.has(card.dataset.id));
  if (beyond === 0) await look(gone.map((card) => card.dataset.id));
  else gone.filter((card) => !card.contains(document.activeElement)).forEach((card) => card.remove());
  if (gone.length > 0) shiftedAt = performance.now();
  shown = pending().length;
  refresh();
}

function place(card) {
  const old = byId(card.dataset.id);
  const isPending = card.classList.contains("pending");
  if (old) {
    // What is pending does not change, and a person may be typing into it.
    if (isPending || old.classList.contains("over")) return;
    const hadFocus = old.contains(document.activeElement);
    shiftedAt = performance.now();
    old.replaceWith(card);
    if (hadFocus) card.focus({ preventScroll: true });
  } else if (isPending && (queue.dataset.agent ?? card.dataset.agent) === card.dataset.agent) {
    insert(card);
    card.classList.add("new");
    announce(card);
  }
}

function insert(card) {
  const group = queue.querySelector(`[data-group="${card.dataset.group}"].group`);
  shiftedAt = performance.now();
  if (group) return group.append(card);
  const fresh = document.createElement("div");
  fresh.className = "group";
  fresh.dataset.group = card.dataset.group;
  const same = document.createElement("p");
  same.className = "same";
  same.innerHTML = '<span class="count"></span> identical requests <button type="button" class="all">Select all</button>';
  fresh.append(same, card);
  const order = (group) => Math.min(...[...group.querySelectorAll(".card")].map((card) => Number(card.dataset.order)));
  const next = [...queue.children].find((group) => order(group) > Number(card.dataset.order));
  queue.insertBefore(fresh, next ?? null);
}

function announce(card) {
  say(`New: ${title(card)}`);
  if (document.hidden && window.Notification?.permission === "granted") {
    const note = new Notification("countersign", { body: title(card), tag: card.dataset.id });
    note.onclick = () => { window.focus(); card.focus(); };
  }
}

/** Brings every count on the page up to date. */
function refresh() {
  const count = pending().length + beyond;
  document.title = count > 0 ? `(${count}) countersign` : "countersign";
  document.getElementById("pending").textContent = count;
  document.getElementById("empty").hidden = count > 0;
  for (const group of queue.children) {
    const waiting = group.querySelectorAll(".pending").length;
    group.querySelector(".count").textContent = waiting;
    group.querySelector(".same").hidden = waiting < 2;
    group.querySelector(".all").hidden = !many;
  }
  const over = [...queue.querySelectorAll(".card.over")].filter((card) => !card.contains(document.activeElement));
  over.slice(0, Math.max(0, over.length - 20)).forEach((card) => card.remove());
  [...queue.children].filter((group) => !group.querySelector(".card")).forEach((group) => group.remove());
  if (beyond > 0 && pending().length < Math.min(20, shown)) schedule();
  selected();
}

// -- Live --

const wanted = new Set();
let timer = null;
let everything = false;

function schedule(id) {
  if (id === undefined) everything = true;
  else wanted.add(id);
  timer ??= setTimeout(async () => {
    const ids = [...wanted];
    const all = everything || ids.length > 50 || pending().length > MOST;
    wanted.clear();
    timer = null;
    everything = false;
    await (all ? lookAtAll() : look(ids));
  }, 100);
}

/** What says nothing about whether a card waits. */
const AFTERWARDS = [
  "interaction.claimed", "interaction.approval_withdrawn", "interaction.outcome_reported", "secret.taken", "secret.wiped",
];

function connect() {
  const source = new EventSource(queue.dataset.live);
  source.addEventListener("hello", () => {
    offline(false);
    schedule();
  });
  source.addEventListener("changed", (event) => {
    const change = JSON.parse(event.data);
    // What a query finds only the server can tell.
    if (!AFTERWARDS.includes(change.event)) schedule(queue.dataset.find ? undefined : change.requestId);
  });
  source.onerror = () => {
    offline(true);
    // A browser comes again by itself unless it was refused.
    if (source.readyState === EventSource.CLOSED) setTimeout(comeBack, 2000);
  };
}

/** Connects again once the server answers as it should. */
async function comeBack() {
  const isThere = (await ask(`${base}/cards?ids=`)) !== null;
  if (line.dataset.final) return;
  if (isThere) connect();
  else setTimeout(comeBack, 2000);
}

function offline(is) {
  document.body.classList.toggle("offline", is);
  if (line.dataset.final) return;
  line.hidden = !is;
  line.textContent = is ? "The server does not answer. Nothing is lost; this page goes on when it is back." : "";
}

function loggedOut() {
  line.dataset.final = "yes";
  line.hidden = false;
  line.innerHTML = `You are logged out. <a href="${base}/login">Log in</a> to go on.`;
  return null;
}

// -- Deciding --

let aimedWhileShifting = false;
queue.addEventListener("pointerdown", () => (aimedWhileShifting = performance.now() - shiftedAt < SETTLING), true);

queue.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  const card = form.closest(".card");
  if (aimedWhileShifting && event.submitter?.value !== "deny") {
    aimedWhileShifting = false;
    return say("A card has just moved in. Look again, and press once more.");
  }
  send(form, event.submitter, card.querySelector(".problem"), [card.dataset.id], () => moveOn(card));
});

many?.addEventListener("submit", (event) => {
  event.preventDefault();
  const typedInto = picks().map((pick) => pick.closest(".card")).find(hasTyped);
  if (typedInto) {
    show(typedInto);
    return fail(line, "You have written into a card that is selected: decide that one by itself, or clear what you wrote.");
  }
  const ids = picks().map((pick) => pick.value);
  send(many, event.submitter, line, ids, () => {});
});

/** Whether something was written into a card, which deciding many at once would leave out. */
const hasTyped = (card) => [...card.querySelectorAll("textarea")].some((field) => field.value !== field.defaultValue);

async function send(form, button, problem, ids, then) {
  const body = new URLSearchParams(new FormData(form, button));
  const buttons = [...form.querySelectorAll("button:not([hidden])")];
  buttons.forEach((button) => (button.disabled = true));
  problem.hidden = true;
  try {
    const headers = { accept: "application/json" };
    const answer = await fetch(form.getAttribute("action"), { method: "POST", headers, body });
    const result = await answer.json();
    if (answer.status === 401) return loggedOut();
    say(result.message ?? result.error);
    if (answer.ok) then();
    // What is not there any more has been resolved: its card says by whom.
    if (answer.ok || answer.status === 404) await look(ids);
    else fail(problem, result.error);
  } catch {
    fail(problem, "The server does not answer. Try again: what was done already is not done twice.");
  } finally {
    buttons.forEach((button) => (button.disabled = false));
    selected();
  }
}

function fail(problem, text) {
  problem.textContent = text;
  problem.hidden = false;
}

function moveOn(card) {
  const cards = pending();
  const next = cards[cards.indexOf(card) + 1] ?? cards[cards.indexOf(card) - 1];
  if (!next || !card.contains(document.activeElement)) return;
  movedOn = { to: next.dataset.id, at: performance.now() };
  show(next);
}

function show(card) {
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest" });
}

// -- Many --

const picks = () => [...queue.querySelectorAll(".pick:checked")];

function selected() {
  if (!many) return;
  const kinds = new Set(picks().map((pick) => pick.closest(".card").dataset.alike));
  document.getElementById("selected").textContent = `${picks().length} selected`;
  document.getElementById("unlike").hidden = kinds.size < 2;
  many.querySelector("[value=allow]").disabled = kinds.size !== 1;
  many.querySelector("[name=acknowledged]").disabled = kinds.size !== 1;
}

queue.addEventListener("change", (event) => event.target.matches(".pick") && selected());
queue.addEventListener("click", (event) => {
  if (!event.target.matches(".all")) return;
  event.target.closest(".group").querySelectorAll(".pick").forEach((pick) => (pick.checked = true));
  selected();
});

// -- Keys --

function step(by) {
  const cards = [...queue.querySelectorAll(".card")];
  const at = cards.indexOf(document.activeElement.closest(".card"));
  const next = cards[at < 0 ? 0 : at + by];
  if (next) show(next);
}

function unfold(card, which) {
  const fold = card.querySelector(`.fold.${which}`);
  if (!fold) return say(`This one has nothing to ${which === "rule" ? "make a rule of" : which}.`);
  fold.open = true;
  fold.querySelector("textarea, input").focus();
}

function approve(card) {
  const unchecked = card.querySelector("[name=acknowledged]:required:not(:checked)");
  const button = card.querySelector(".approve");
  if (unchecked) {
    unchecked.focus();
    say(`Check first: ${unchecked.parentElement.textContent.trim()}`);
  } else if (button) {
    button.form.requestSubmit(button);
  } else {
    card.querySelector("form textarea, form input:not([type=hidden])")?.focus();
  }
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  "?": () => help.showModal(),
  a: (card) => approve(card),
  r: (card) => unfold(card, "reject"),
  e: (card) => unfold(card, "edit"),
  t: (card) => unfold(card, "rule"),
  x: (card) => card.querySelector(".pick")?.click(),
};

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches("input:not([type=checkbox], [type=radio]), textarea, select");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("textarea")) {
    const button = event.target.closest("details, form").querySelector("button[name=decision]");
    return button.form.requestSubmit(button);
  }
  if (event.key === "Escape" && isTyping) return event.target.closest(".card")?.focus();
  const key = KEYS[event.key];
  if (!key || isTyping || event.repeat || event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  event.preventDefault();
  if (key.length === 0) return key();
  const card = document.activeElement.closest(".card");
  if (!card) {
    // What has only just been shown is not decided by the same key pressed twice.
    step(1);
    movedOn = { to: document.activeElement.dataset.id, at: performance.now() };
    return;
  }
  const isFresh = card.dataset.id === movedOn.to && performance.now() - movedOn.at < BREATH;
  if (card.classList.contains("pending") && !isFresh) key(card);
});

// -- Times --

function span(seconds) {
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days > 0) return hours > 0 ? `${days}d ${hours}h` : `${days}d`;
  if (hours > 0) return minutes > 0 ? `${hours}h ${minutes}m` : `${hours}h`;
  if (minutes > 9) return `${minutes}m`;
  return minutes > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`;
}

function count() {
  for (const time of queue.querySelectorAll("time")) {
    const seconds = Math.round((Date.parse(time.dateTime) - Date.now()) / 1000);
    const said = seconds > 0 ? `in ${span(seconds)}` : seconds > -1 ? "now" : `${span(-seconds)} ago`;
    if (time.textContent !== said) time.textContent = said;
    time.classList.toggle("soon", time.classList.contains("deadline") && seconds < 120);
  }
}

// -- Start --

const notify = document.getElementById("notify");
notify.hidden = window.Notification?.permission !== "default";
notify.addEventListener("click", async () => (notify.hidden = (await Notification.requestPermission()) !== "default"));
document.getElementById("keys").hidden = false;
document.getElementById("keys").addEventListener("click", () => help.showModal());
if (location.hash.startsWith("#card-")) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.focus();
setInterval(count, 1000);
shown = pending().length;
refresh();
connect();
