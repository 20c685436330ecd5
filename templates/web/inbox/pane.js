// -- The request that is opened --

/** Cards that were fetched before they are asked for, by id. */
const ahead = new Map();
/** How many of those are kept. */
const MOST_AHEAD = 12;
const isWide = matchMedia("(min-width: 60rem)");
/** Whether the person has chosen what is opened: what the page chose is not decided by a key. */
let isChosen = document.body.classList.contains("opened");
/** What was moved on to by itself, and when: a second press of the same key or button was not meant for it. */
let movedOn = { to: null, at: -Infinity };

const opened = () => pane.querySelector(".card");
/** The id of what is opened, or is about to be. */
let current = opened()?.dataset.requestId ?? null;
const isOpened = (row) => row.dataset.requestId === current;
/** Whether the card is on the screen: on a narrow one the rows may be in its place. */
const isOnScreen = () => isWide.matches || document.body.classList.contains("opened");

async function fetchCard(id, isWhole = false) {
  const html = await ask(`${base}/interactions/${encodeURIComponent(id)}/card${isWhole ? "?whole=true" : ""}`);
  const card = html && parsed(html).querySelector(".card");
  const csrf = card?.querySelector("[name=csrf]")?.value;
  // Its word is of another session: of the same person?
  if (csrf && csrf !== document.querySelector(".who [name=csrf]").value && !(await isStillTheirs())) return null;
  return card || null;
}

/** Opens a request. On a narrow screen it takes the place of the rows. */
async function open(id, { isByHand = true } = {}) {
  isChosen ||= isByHand;
  mark(id);
  refresh();
  remember(id, isByHand);
  if (opened()?.dataset.requestId !== id) {
    const card = drafts.get(id) ?? ahead.get(id) ?? (await fetchCard(id));
    ahead.delete(id);
    // Another may have been opened meanwhile.
    if (current !== id) return;
    if (card === null) return showMissing(id);
    show(card);
  }
  fetchAhead(rowOf(id));
  // What had the focus is gone, or the rows have given way to the request.
  const { activeElement } = document;
  if (isOnScreen() && (activeElement === document.body || !activeElement.checkVisibility())) focusCard();
}

/** The focus goes to what is opened, which is read aloud by its heading. */
const focusCard = () => opened()?.focus({ preventScroll: true });

/** Marks the row of what is opened. */
function mark(id) {
  current = id;
  queue.querySelectorAll("[aria-current]").forEach((other) => other.removeAttribute("aria-current"));
  if (id !== null) rowOf(id)?.setAttribute("aria-current", "true");
}

function show(card) {
  drafts.delete(card.dataset.requestId);
  replace(card);
  bringBack(card);
  pane.scrollTop = 0;
  count();
}

/** Puts this in the place of what is opened. */
function replace(part) {
  const old = opened() ?? pane.querySelector(":scope > .hint");
  keep(old);
  if (old) old.replaceWith(part);
  else pane.append(part);
}

const missing = () => pane.querySelector(":scope > .missing");

/** Nothing else stands where a request could not be fetched: a key would be meant for that one. It is tried again. */
function showMissing(id) {
  const [said, again] = [document.createElement("p"), document.createElement("button")];
  said.className = "hint missing";
  said.setAttribute("role", "alert");
  again.type = "button";
  again.textContent = "Try again";
  again.addEventListener("click", () => open(id));
  said.append("This request could not be fetched. ", again);
  replace(said);
  setTimeout(() => { if (said.isConnected && !ended.open) fetchMissing(); }, PAUSE);
}

function fetchMissing() {
  if (missing() && current !== null) open(current, { isByHand: false });
}

/** The address says what is opened, and on a narrow screen the way back leads to the rows. */
function remember(id, isByHand) {
  const wanted = new URLSearchParams(search());
  wanted.set("open", id);
  const isNew = isByHand && !isWide.matches && !document.body.classList.contains("opened");
  if (isByHand) document.body.classList.add("opened");
  if (isByHand) history[isNew ? "pushState" : "replaceState"]({ open: id }, "", `?${wanted}`);
}

/** Back to the rows. */
function close() {
  document.body.classList.remove("opened");
  history.replaceState(null, "", location.pathname + search());
  focusCurrent();
}

/** Fetches what is likely to be read next. */
async function fetchAhead(row) {
  const rows = shown();
  const next = rows[rows.indexOf(row) + 1];
  if (!next || ahead.has(next.dataset.requestId)) return;
  const card = await fetchCard(next.dataset.requestId);
  if (card) ahead.set(next.dataset.requestId, card);
  if (ahead.size > MOST_AHEAD) ahead.delete(ahead.keys().next().value);
}

/** What is opened was resolved by somebody else: the card says how, and what was typed is still there. */
async function resolvedMeanwhile(row) {
  const id = row.dataset.requestId;
  const card = await fetchCard(id);
  const old = opened();
  if (card === null || old?.dataset.requestId !== id) return;
  const { activeElement } = document;
  const hadFocus = old.contains(activeElement);
  leaveOver(id, Object.values(valuesOf(old)));
  old.classList.remove("pending");
  show(card);
  if (hadFocus && isField(activeElement)) return goOnTyping(card, activeElement);
  if (hadFocus) card.focus({ preventScroll: true });
}

function focusRow(row) {
  const link = row?.querySelector(".open");
  if (!link) return document.getElementById("heading").focus({ preventScroll: true });
  if (!link.checkVisibility()) return focusCard();
  link.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

/** The focus goes to the row of what is opened. */
const focusCurrent = () => focusRow(rowOf(current ?? ""));

/** Goes on from these rows once they are decided: to the next that asks the same, the next of all, or the one before. */
function moveOn(rows) {
  const order = shown();
  const from = Math.max(0, order.findIndex((row) => rows.includes(row)));
  const isTyping = isField(document.activeElement) && !pane.contains(document.activeElement);
  return () => {
    const left = shown();
    const alike = rows.length === 1 ? left.find((row) => row.dataset.group === rows[0].dataset.group) : undefined;
    const isLeft = (row) => left.includes(row);
    const next = alike ?? order.slice(from).find(isLeft) ?? order.slice(0, from).reverse().find(isLeft) ?? left[0];
    if (next) {
      movedOn = { to: next.dataset.requestId, at: performance.now() };
      open(next.dataset.requestId, { isByHand: isChosen && isOnScreen() });
    } else {
      mark(null);
      keep(opened());
      opened()?.remove();
      document.body.classList.remove("opened");
    }
    if (!isTyping) focusRow(next);
  };
}

pane.addEventListener("click", async (event) => {
  if (event.target.closest("#back")) {
    event.preventDefault();
    return close();
  }
  const whole = event.target.closest(".whole");
  if (!whole || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const card = await fetchCard(opened().dataset.requestId, true);
  if (!card || card.dataset.requestId !== opened()?.dataset.requestId) return say("It could not be fetched. Try again.");
  show(card);
  card.focus({ preventScroll: true });
});

queue.addEventListener("click", (event) => {
  const times = event.target.closest(".times");
  if (times) {
    const { group } = times.closest(".row").dataset;
    if (!unfolded.delete(group)) unfolded.add(group);
    return refresh();
  }
  const link = event.target.closest(".open");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  const id = link.closest(".row").dataset.requestId;
  open(id).then(() => current === id && focusCard());
});

more.addEventListener("click", (event) => {
  if (!event.target.closest("a")) return;
  event.preventDefault();
  showMore();
});

addEventListener("popstate", (event) => {
  document.body.classList.toggle("opened", Boolean(event.state?.open));
  if (event.state?.open) open(event.state.open, { isByHand: false });
});
