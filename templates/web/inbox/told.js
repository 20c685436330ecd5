// -- What is told of decisions, and for how long --

const toasts = document.getElementById("toasts");

/** What can be taken back, as it was told last. */
let told = null;

/** One message for all that can be taken back, with the latest of them. It is not read aloud again when only those before are sent. */
function tell() {
  const old = toasts.querySelector(".undoable");
  const hadFocus = old?.contains(document.activeElement);
  const latest = held.at(-1);
  const before = held.length > 1 ? ` (and ${held.length - 1} before)` : "";
  const text = latest && `${latest.verb}: ${about(latest)}`;
  const sayBefore = (span) => Object.assign(span, { textContent: before, hidden: before === "" });
  if (old && told?.latest === latest && told.text === text) return sayBefore(old.querySelector(".before"));
  old?.remove();
  told = { latest, text };
  if (!latest) return hadFocus ? focusCurrent() : undefined;
  const message = toast(text, "undoable");
  message.append(sayBefore(Object.assign(document.createElement("span"), { className: "before", ariaLive: "off" })));
  const button = document.createElement("button");
  button.type = "button";
  button.innerHTML = 'Undo <kbd aria-hidden="true">z</kbd>';
  button.addEventListener("click", undo);
  message.append(button);
  if (hadFocus) button.focus();
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

/** Says something of a request that stays until it is opened, decided, or closed. */
function stay(id, text, { isGuess = false } = {}) {
  untell(id);
  const message = toast(text, isGuess ? "bad guess" : "bad");
  message.dataset.about = id;
  const action = (label, does) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: label });
    button.addEventListener("click", () => { message.remove(); does(); });
    message.append(button);
  };
  action("Open it", () => open(id));
  action("Close", focusCurrent);
}

/** What was said and written of it is done with. */
function forget(id) {
  before.delete(id);
  untell(id);
}

function untell(id, which = "") {
  toasts.querySelectorAll(`${which}[data-about="${CSS.escape(id)}"]`).forEach((old) => old.remove());
}

