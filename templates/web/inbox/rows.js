// The inbox: rows come and change by themselves, one is opened beside them, keys decide, and what is decided can be taken
// back for a moment. Without it the page works by its links and forms alone. These files are served as one, in their order.

const queue = document.getElementById("queue");
const pane = document.getElementById("pane");
const many = document.getElementById("many");
const help = document.getElementById("help");
const line = document.getElementById("line");
const more = document.getElementById("beyond");

const rowOf = (id) => queue.querySelector(`[data-request-id="${CSS.escape(id)}"]`);
/** What waits, without what is decided and can still be taken back. */
const waiting = () => [...queue.querySelectorAll(".row.pending:not(.held)")];
/** What of it is seen: of many that ask the same only the first, until they are unfolded. */
const shown = () => waiting().filter((row) => !row.hidden);
const headline = (row) => row.querySelector(".what").textContent.replace(/\s+/g, " ").trim();

/** From so many on, rows that ask the same are one row that opens. */
const FOLDED = 3;
/** The most rows that are kept on the page. */
const MOST = 200;
/** The most rows that say how they ended. */
const MOST_OVER = 5;

const unfolded = new Set();
/** How many wait on the pages after this one. */
let beyond = Number(more.dataset.count);
/** How many were waiting here when the whole queue was last looked at. */
let looked = 0;

/** What was asked first is placed first: an answer that comes late would bring back what is over. */
let looking = Promise.resolve();
function inTurn(work) {
  looking = looking.then(work, work);
  return looking;
}

/** Looks at these rows again. */
const look = (ids) => inTurn(() => lookNow(ids));

async function lookNow(ids) {
  for (let from = 0; from < ids.length; from += 50) {
    const html = await ask(`${base}/rows?ids=${ids.slice(from, from + 50).join(",")}`);
    if (html === null) {
      tryAgain(ids.slice(from));
      break;
    }
    parsed(html).querySelectorAll(".row").forEach(place);
  }
  refresh();
}

/** Looks at them again in a while, or at everything: what a failed look would have shown is shown then. */
function tryAgain(ids) {
  // After a log-in all is looked at.
  if (ended.open) return;
  setTimeout(() => (ids ?? [undefined]).forEach((id) => schedule(id)), PAUSE);
}

/** Looks at the whole queue again; what is opened, and what is being typed, stays. */
const lookAtAll = () => inTurn(lookAtAllNow);

async function lookAtAllNow() {
  const html = await ask(location.pathname + search());
  if (html === null) return tryAgain();
  const page = parsed(html);
  if (!renew(page)) return;
  const rows = [...page.querySelectorAll("#queue .row")];
  const here = new Set(rows.map((row) => row.dataset.requestId));
  const gone = waiting().filter((row) => !here.has(row.dataset.requestId));
  takeNext(page);
  rows.forEach(place);
  if (beyond === 0) {
    await lookNow(gone.map((row) => row.dataset.requestId));
    // What still waits is put off, or is not what is to be found.
    gone.filter((row) => row.isConnected && !row.classList.contains("held")).forEach((row) => row.remove());
  } else gone.filter((row) => !isOpened(row)).forEach((row) => row.remove());
  looked = waiting().length;
  takePutOff(page);
  refresh();
}

/** The query of the page, without what is opened and what was done. */
function search() {
  const wanted = new URLSearchParams(location.search);
  ["open", "done", "count"].forEach((name) => wanted.delete(name));
  return wanted.size > 0 ? `?${wanted}` : "";
}

/** Takes over what a page says of those after it. */
function takeNext(page) {
  const fresh = page.getElementById("beyond");
  beyond = Number(fresh.dataset.count);
  more.hidden = fresh.hidden;
  more.replaceChildren(...fresh.childNodes);
}

/** What is put off comes back by itself. */
let comesBack = null;
function takePutOff(page) {
  const [old, fresh] = [document.getElementById("put-off"), page.getElementById("put-off")];
  if (page !== document) {
    old?.remove();
    if (fresh) more.after(fresh);
  }
  clearTimeout(comesBack);
  const next = fresh && Date.parse(fresh.dataset.next) - Date.now();
  // A browser waits for no more milliseconds than this.
  if (fresh) comesBack = setTimeout(() => schedule(), Math.min(Math.max(next, 0) + 500, 2 ** 31 - 1));
}

/** Adds the next page's rows below. */
async function showMore() {
  const link = more.querySelector("a");
  const html = link && (await ask(link.getAttribute("href")));
  if (!html) return;
  const page = parsed(html);
  takeNext(page);
  page.querySelectorAll("#queue .row").forEach((row) => rowOf(row.dataset.requestId) ?? queue.append(row));
  refresh();
}

/** Puts a row in its place, as it now stands. */
function place(row) {
  const old = rowOf(row.dataset.requestId);
  const isPending = row.classList.contains("pending");
  // It was only on its way.
  if (!isPending) untell(row.dataset.requestId, ".guess");
  if (old) {
    // What is pending does not change.
    if (isPending || old.classList.contains("over")) return;
    ahead.delete(row.dataset.requestId);
    if (!isOpened(row)) drafts.delete(row.dataset.requestId);
    const hadFocus = old.contains(document.activeElement);
    const wasHeld = old.classList.contains("held");
    if (isOpened(old)) row.setAttribute("aria-current", "true");
    old.replaceWith(row);
    // What this person decided here is not told again.
    if (wasHeld && !overtaken(row) && row.dataset.own) row.remove();
    else if (hadFocus) row.querySelector(".open").focus({ preventScroll: true });
    if (isOpened(row)) resolvedMeanwhile(row);
  } else if (!isPending && isOpened(row)) {
    // It has no row here: it is put off, or on another page.
    resolvedMeanwhile(row);
  } else if (isPending && (queue.dataset.agent ?? row.dataset.agent) === row.dataset.agent) {
    insert(row);
    row.classList.add("new");
    announce(row);
  }
}

const ends = (row) => Number(row.dataset.ends ?? Infinity);

function insert(row) {
  const alike = [...queue.querySelectorAll(`[data-group="${row.dataset.group}"]`)].at(-1);
  const next = alike ? alike.nextSibling : [...queue.children].find((other) => ends(other) > ends(row));
  queue.insertBefore(row, next ?? null);
}

/** What has come and is not told yet. */
let arrived = [];

function announce(row) {
  const text = `${row.dataset.agent}: ${headline(row)}`;
  arrived.push(text);
  if (document.hidden && window.Notification?.permission === "granted") notifyOf(row.dataset.requestId, text);
}

/** A notification; phones have them from a service worker alone. Whatever becomes of it, the queue goes on. */
async function notifyOf(id, body) {
  const url = new URL(`${base}/?open=${encodeURIComponent(id)}`, location.origin).href;
  try {
    const worker = await navigator.serviceWorker?.getRegistration();
    if (worker) return await worker.showNotification("countersign", { body, tag: id, data: { url } });
    new Notification("countersign", { body, tag: id }).onclick = () => { window.focus(); open(id); };
  } catch {
    document.getElementById("notify").hidden = true;
  }
}

/** Says what has come, to who does not see it: of many at once their number, and the last. */
function tellArrivals() {
  if (arrived.length === 0) return;
  const start = arrived.length > 1 ? `${arrived.length} new, the last` : "New";
  document.getElementById("arrived").textContent = `${start}: ${arrived.at(-1)}`;
  arrived = [];
}

/** Brings every count on the page up to date, and folds what asks the same. */
function refresh() {
  tellArrivals();
  const rows = waiting();
  const count = rows.length + beyond;
  document.title = count > 0 ? `(${count}) countersign` : "countersign";
  document.getElementById("pending").textContent = count;
  document.getElementById("empty").hidden = count > 0;
  countByAgent(rows);
  grouped(rows).forEach((group, key) => fold(group, group.length >= FOLDED && !unfolded.has(key)));
  const over = [...queue.querySelectorAll(".row.over")].filter((row) => !isOpened(row));
  over.slice(0, Math.max(0, over.length - MOST_OVER)).forEach((row) => row.remove());
  if (beyond > 0 && rows.length < Math.min(20, looked)) schedule();
  selected();
}

/** How many each agent waits for, where all rows are here. */
function countByAgent(rows) {
  if (beyond > 0 || queue.dataset.find || queue.dataset.agent) return;
  for (const link of document.querySelectorAll("[data-asks]")) {
    const count = rows.filter((row) => row.dataset.agent === link.dataset.asks).length;
    link.querySelector("small").textContent = count;
    link.hidden = count === 0;
  }
}

function grouped(rows) {
  const groups = new Map();
  rows.forEach((row) => groups.set(row.dataset.group, [...(groups.get(row.dataset.group) ?? []), row]));
  return groups;
}

function fold(group, isFolded) {
  const [first, ...others] = group;
  others.forEach((row) => {
    row.hidden = isFolded && !isOpened(row);
    unmark(row, first);
  });
  first.hidden = false;
  if (group.length < FOLDED) return unmark(first, first);
  let times = first.querySelector(".times");
  if (!times) {
    times = document.createElement("button");
    times.type = "button";
    times.className = "times";
    first.append(times);
  }
  times.textContent = `×${group.length}`;
  times.setAttribute("aria-label", `${group.length} identical requests`);
  times.setAttribute("aria-expanded", String(!isFolded));
}

/** Takes the count off a row that does not stand for others any more. */
function unmark(row, first) {
  const times = row.querySelector(".times");
  if (times?.contains(document.activeElement)) focusRow(first);
  times?.remove();
}

// -- Times --

function span(seconds) {
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days > 0) return `${days}d`;
  if (hours > 0) return minutes > 0 ? `${hours}h ${minutes}m` : `${hours}h`;
  return minutes > 0 ? `${minutes}m` : `${seconds}s`;
}

/** A deadline is told when it is within an hour, and counts by seconds in its last two minutes. */
function count() {
  for (const time of document.querySelectorAll("#queue time, #pane time")) {
    const seconds = Math.round((Date.parse(time.dateTime) - Date.now()) / 1000);
    const said = seconds > 0 ? `in ${span(seconds)}` : seconds > -60 ? "now" : `${span(-seconds)} ago`;
    const isDeadline = time.classList.contains("deadline");
    const isInRow = queue.contains(time);
    const shown = isDeadline && isInRow ? `ends ${said}` : said;
    if (time.textContent !== shown) time.textContent = shown;
    time.title = `${isDeadline ? "ends" : "asked"} ${new Date(time.dateTime).toLocaleString()}`;
    if (!isDeadline) continue;
    time.classList.toggle("soon", seconds < 120);
    if (isInRow) time.hidden = seconds > 3600;
    // Read aloud it does not count along: a row that has the focus would be said again each second.
    time.ariaLabel = isInRow && seconds > 0 && seconds < 60 ? "ends in less than a minute" : null;
  }
}
