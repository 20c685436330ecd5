// -- Keys --

function step(by) {
  const rows = shown();
  const at = rows.findIndex(isOpened);
  const next = isChosen ? rows[Math.min(rows.length - 1, Math.max(0, at + by))] : rows[Math.max(0, at)];
  if (!next) return say("Nothing waits here.");
  open(next.dataset.requestId);
  focusRow(next);
}

/** Opens a sheet of the card. */
function unfold(card, which, nothing) {
  const sheet = card.querySelector(`.sheet.${which}`);
  if (!sheet) return say(nothing);
  sheet.showPopover?.();
  focusIn(sheet);
}

const focusIn = (sheet) => sheet.querySelector("textarea, input:not([type=hidden]), button")?.focus();

/** What a button opens has the focus, too: the button itself is covered. */
pane.addEventListener("toggle", ({ target, newState }) => {
  if (newState === "open" && target.matches(".sheet") && !target.contains(document.activeElement)) focusIn(target);
}, true);

const unchecked = (card) => [...card.querySelectorAll(".care [name=acknowledged]:not(:checked)")];

function approve(card) {
  const button = card.querySelector(".approve, .answer, .give");
  const care = unchecked(card);
  if (card.querySelector(".whole")) return say("Show all of it first: press o.");
  if (!button) return say("This one is not for you to decide here.");
  if (!button.matches(".approve")) return answer(card, button);
  if (care.length > 0) {
    card.dataset.asks = "yes";
    card.querySelector(".care").scrollIntoView({ block: "nearest" });
    return say(`Press y: ${care.map((field) => field.parentElement.textContent.trim()).join("; ")}`);
  }
  button.form.requestSubmit(button);
}

/** What `a` asked to be known is known. */
function confirmCare(card) {
  if (!card.dataset.asks) return say("y says that you know what has to be known: a asks for it first.");
  unchecked(card).forEach((field) => (field.checked = true));
  approve(card);
}

/** A question, or a request for a secret: to its first field, or sends it where that is filled in. */
function answer(card, button) {
  const fields = [...card.querySelectorAll("form textarea, form input:not([type=hidden])")];
  const isAnswered = fields.some((field) => field.name.startsWith("option-") && field.checked);
  if (isAnswered || typed(card).length > 0) return button.form.requestSubmit(button);
  fields[0]?.focus();
}

/** Chooses an option of the first entry that has none, by its place. */
function choose(card, place) {
  const entries = [...card.querySelectorAll("fieldset")].filter((entry) => entry.querySelector("[name^=option-]"));
  const entry = entries.find((entry) => !entry.querySelector(":checked")) ?? entries.at(-1);
  const option = entry?.querySelectorAll("[name^=option-]")[place - 1];
  if (!option) return say("There is no such answer.");
  option.click();
  option.focus();
}

function goInto(card) {
  document.body.classList.add("opened");
  const whole = card.querySelector(".whole");
  if (whole) whole.click();
  else card.focus();
}

/** Selects the rows from the last one that was selected to this. */
function selectUpTo(row) {
  const rows = shown();
  const to = rows.indexOf(row);
  const from = rows.findLastIndex((other, at) => at < to && other.querySelector(".pick:checked"));
  rows.slice(Math.max(0, from), to + 1).forEach((row) => select(row, true));
}

function toggle(row) {
  if (!row) return say("Its row is not on this page.");
  const pick = row.querySelector(".pick");
  if (!pick) return say("This one is decided by itself.");
  select(row, !pick.checked);
}

/** What needs no request. */
const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  "?": () => help.showModal(),
  "/": () => document.getElementById("q").focus(),
  z: () => undo(),
};

/** What is done with the request that is opened. */
const ON_CARD = {
  a: approve,
  y: confirmCare,
  r: (card) => unfold(card, "reject", "This one cannot be rejected with a reason here."),
  e: (card) => unfold(card, "edit", "The input of this one may not be edited."),
  t: (card) => unfold(card, "rule", "No rule can be made of this one."),
  s: (card) => unfold(card, "later", "This one cannot be put off."),
  o: goInto,
  c: (card) => copy([".asked .member pre", ".asked", ".decide"].map((part) => card.querySelector(part)).find(Boolean)?.innerText.trim() ?? ""),
  ".": (card) => { const raw = card.querySelector(".sent"); if (raw) raw.open = !raw.open; else say("There is no more to show."); },
  x: (card) => toggle(rowOf(card.dataset.requestId)),
  X: (card) => selectUpTo(rowOf(card.dataset.requestId)),
};

function onCard(key, event) {
  const card = opened();
  const row = card && rowOf(card.dataset.requestId);
  if (current !== card?.dataset.requestId) return say(missing() ? "It could not be fetched. Try again." : current ? "It is being fetched." : "Nothing is opened.");
  if (!isOnScreen()) {
    open(card.dataset.requestId);
    return say("Read it first, and press again.");
  }
  const whyNot = card.querySelector(".why-not");
  if (whyNot && ![goInto, ON_CARD.c, ON_CARD["."]].includes(key)) return say(whyNot.textContent);
  if (!isChosen) {
    // What only the page has chosen is not decided by a key that is pressed without looking.
    isChosen = true;
    focusRow(row);
    return say("This is the first. Press again to decide it.");
  }
  if (movedOn.to === card.dataset.requestId && performance.now() - movedOn.at < KEY_SETTLES) {
    return say("This one has just come. Press again.");
  }
  if (!card.classList.contains("pending")) return say("This one is over.");
  return /^[1-9]$/.test(event.key) ? choose(card, Number(event.key)) : key(card);
}

document.addEventListener("keydown", (event) => {
  const { target } = event;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && target.matches("textarea")) {
    const button = target.closest(".sheet, form").querySelector("button[name=decision]");
    return button.form.requestSubmit(button);
  }
  if (event.key === "Enter" && target.matches(".sheet.reject textarea") && !event.shiftKey) {
    event.preventDefault();
    return target.form.requestSubmit(target.closest(".sheet").querySelector("[name=decision]"));
  }
  if (event.key === "Enter" && target.matches(".sheet input")) {
    event.preventDefault();
    return target.form.requestSubmit(target.closest(".sheet").querySelector("[name=decision]"));
  }
  if (event.key === "Enter" && target.matches("[name^=option-]")) {
    event.preventDefault();
    return target.form.requestSubmit(target.form.querySelector(".answer"));
  }
  if (event.key === "Escape" && target.id === "q") return focusCurrent();
  if (document.querySelector(":popover-open")) return;
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) return close();
  if (isField(target) || event.repeat || event.ctrlKey || event.metaKey || event.altKey || help.open || ended.open || together.open) return;
  const key = KEYS[event.key];
  const decides = ON_CARD[event.key] ?? (/^[1-9]$/.test(event.key) ? choose : null);
  if (!key && !decides) return;
  event.preventDefault();
  if (key) key();
  else onCard(decides, event);
});

// -- Start --

const notify = document.getElementById("notify");
const mayAsk = "Notification" in window && Notification.permission === "default" && window.isSecureContext;
notify.hidden = !mayAsk;
notify.addEventListener("click", async () => {
  const answer = await Notification.requestPermission();
  notify.hidden = answer !== "default";
  if (answer === "denied") say("This browser blocks notifications of this page: allow them in its settings for this site.");
});
document.getElementById("keys").hidden = false;
document.getElementById("keys").addEventListener("click", () => help.showModal());
document.getElementById("heading").tabIndex = -1;
if (opened()) bringBack(opened());
const atStart = opened() && rowOf(opened().dataset.requestId);
mark(current);
setInterval(count, 1000);
looked = waiting().length;
refresh();
count();
takePutOff(document);
connect();
fetchAhead(atStart);
seeToWhatWasLeft();
