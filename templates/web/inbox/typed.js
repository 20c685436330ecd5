// -- What was typed --

/** Cards that something was written into, or that hold what could not be sent, by id. */
const drafts = new Map();
/** What was written into requests that were over before it was sent, by id. */
const leftOver = new Map();
/** Where what is typed is kept while one goes from page to page in this tab, for the one person. */
const STORED = "countersign-typed";
/** What was written on the page before this one, by id: the values of its fields by their names. */
const before = typedBefore();

/** The fields of a card in which something was written. */
const typed = (card) => [...card.querySelectorAll("textarea:not(.left-over *)")].filter((field) => field.value !== field.defaultValue);
/** The same without secrets, which are kept nowhere. */
const typedPlain = (card) => typed(card).filter((field) => !field.matches(".masked"));

/** What was written into a card is still there when it is opened again; but no secret. */
function keep(card) {
  if (!card?.matches?.(".card.pending")) return;
  const written = typed(card);
  if (written.some((field) => field.matches(".masked"))) card.querySelectorAll(".masked").forEach((field) => (field.value = ""));
  else if (written.length > 0) drafts.set(card.dataset.requestId, card);
}

/** What was written for a request that is over is shown with it, to be copied. */
function leaveOver(id, card) {
  const texts = card ? typedPlain(card).map((field) => field.value) : [];
  if (texts.length > 0) leftOver.set(id, texts);
  return texts.length > 0;
}

/** What a card has of before: what was typed on another page, and what was left over. */
function bringBack(card) {
  const id = card.dataset.requestId;
  if (card.matches(".pending")) {
    const values = before.get(id) ?? {};
    before.delete(id);
    for (const field of card.querySelectorAll("textarea:not(.masked)")) field.value = values[field.name] ?? field.value;
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
  say("This one is over: what you type now goes nowhere.", "bad");
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
  const { whose: owner, fields } = JSON.parse(stored ?? "{}");
  return new Map(owner === whose(document) ? Object.entries(fields) : []);
}

/** Keeps it for the page that comes next; but no secret, and nothing for who logs in next. */
function keepTyped() {
  const cards = isLoggingOut ? [] : [...drafts.values(), opened()].filter((card) => card?.matches(".pending"));
  const written = cards.map((card) => [card.dataset.requestId, typedPlain(card).map((field) => [field.name, field.value])]);
  const fields = written.filter(([, values]) => values.length > 0).map(([id, values]) => [id, Object.fromEntries(values)]);
  try {
    sessionStorage.setItem(STORED, JSON.stringify({ whose: whose(document), fields: Object.fromEntries(isLoggingOut ? [] : [...before, ...fields]) }));
  } catch {
    // A browser that keeps nothing, or not as much.
  }
}
