// -- What was typed --

/** Cards that something was written into, or that hold what could not be sent, by id. */
const drafts = new Map();
/** What was written into requests that were over before it was sent, by id. */
const leftOver = new Map();
/** Where what is typed is kept while one goes from page to page in this tab, for the one person. */
const STORED = "countersign-typed";
/** What was written on the page before this one, by id: the values of its fields by their names; and what was being decided when it
 * was left. */
const { before, leaving } = typedBefore();

/** The fields of a card in which something was written. */
const typed = (card) => [...card.querySelectorAll("textarea:not(.left-over *)")].filter((field) => field.value !== field.defaultValue);

/** What was written into a card is still there when it is opened again; but no secret. */
function keep(card) {
  if (!card?.matches?.(".card.pending")) return;
  const written = typed(card);
  if (written.some((field) => field.matches(".masked"))) card.querySelectorAll(".masked").forEach((field) => (field.value = ""));
  else if (written.length > 0) drafts.set(card.dataset.requestId, card);
}

/** The values of the fields in which something was written, by their names; but no secrets, which are kept nowhere. */
const valuesOf = (card) => Object.fromEntries(typed(card).filter((field) => !field.matches(".masked")).map((field) => [field.name, field.value]));

/** What was written for a request that is over is shown with it, to be copied. Whether anything was. */
function leaveOver(id, texts) {
  if (texts.length > 0) leftOver.set(id, texts);
  return texts.length > 0;
}

/** What a card has of before: what was typed on another page, and what was left over. */
function bringBack(card) {
  const id = card.dataset.requestId;
  if (card.matches(".pending")) {
    const values = before.get(id) ?? {};
    before.delete(id);
    for (const field of card.querySelectorAll("textarea:not(.masked)")) {
      // What has been typed since is newer.
      if (field.value === field.defaultValue) field.value = values[field.name] ?? field.value;
    }
  } else if (!card.querySelector(".left-over")) {
    (leftOver.get(id) ?? []).forEach((text) => card.append(kept(text)));
  }
}

/** A text that was written, in a field of its own, which is sent nowhere. */
function kept(text) {
  const box = document.createElement("div");
  const [label, field] = [document.createElement("label"), document.createElement("textarea")];
  box.className = "left-over";
  label.textContent = "You had written:";
  field.value = text;
  label.append(field);
  box.append(label, copying(text));
  return box;
}

/** Whoever is typing goes on typing where it does no harm: letters that miss their field would be keys. */
function goOnTyping(card, field) {
  const isMasked = field.matches(".masked");
  const own = [...card.querySelectorAll(".left-over textarea")].find(({ value }) => !isMasked && value === field.value);
  const into = own ?? card.appendChild(kept("")).querySelector("textarea");
  into.classList.toggle("masked", isMasked);
  into.focus({ preventScroll: true });
  if (own) into.setSelectionRange(field.selectionStart, field.selectionEnd);
  say("This one is over: what you type now is sent nowhere.", "bad");
}

function copying(text) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", () => copy(text));
  return button;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    say("Copied.");
  } catch {
    say("This browser does not let the page copy. Select the text, and copy it by hand.");
  }
}

function typedBefore() {
  let stored = null;
  try {
    stored = sessionStorage.getItem(STORED);
  } catch {
    // A browser that keeps nothing.
  }
  const { whose: owner, fields = {}, decided = [] } = JSON.parse(stored ?? "{}");
  const isTheirs = owner === whose(document);
  return { before: new Map(isTheirs ? Object.entries(fields) : []), leaving: isTheirs ? decided : [] };
}

/** For so long (ms) what was sent when a page was left may be on its way. */
const ON_ITS_WAY = 1500;

/** What was decided when the page before was left: where it was not taken, that is said, and what was written is there again. */
async function seeToWhatWasLeft() {
  while (leaving.length > 0) {
    await new Promise((done) => setTimeout(done, ON_ITS_WAY));
    const [{ ids, about: what, fields }] = leaving;
    const html = await ask(`${base}/rows?ids=${ids.slice(0, 100).join(",")}`);
    if (html === null) continue;
    leaving.shift();
    const rows = [...parsed(html).querySelectorAll(".row")];
    const pending = rows.filter((row) => row.matches(".pending")).map((row) => row.dataset.requestId);
    const other = rows.find((row) => !row.matches(".pending") && !row.dataset.own);
    if (pending.length > 0) {
      pending.forEach((id) => before.set(id, fields));
      stay(pending[0], `Not sent: ${what}.`, { isGuess: true });
      if (opened() && pending.includes(opened().dataset.requestId)) bringBack(opened());
    } else if (other) {
      leaveOver(other.dataset.requestId, Object.values(fields));
      stay(other.dataset.requestId, `${what}: ${other.querySelector(".when").textContent}.`);
      if (opened()?.dataset.requestId === other.dataset.requestId) bringBack(opened());
    }
  }
}

/** Keeps it for the page that comes next; but no secret, and nothing for who logs in next. */
function keepTyped() {
  const cards = [...drafts.values(), opened()].filter((card) => card?.matches(".pending"));
  const fields = cards.map((card) => [card.dataset.requestId, valuesOf(card)]).filter(([, values]) => Object.keys(values).length > 0);
  const decided = [...underWay, ...held].map((decision) => ({ ids: decision.ids, about: about(decision), fields: decision.card ? valuesOf(decision.card) : {} }));
  const kept = { whose: whose(document), fields: Object.fromEntries([...before, ...fields]), decided: [...leaving, ...decided] };
  try {
    if (isLoggingOut) sessionStorage.removeItem(STORED);
    else sessionStorage.setItem(STORED, JSON.stringify(kept));
  } catch {
    // A browser that keeps nothing, or not as much.
  }
}
