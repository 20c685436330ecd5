// -- Many --

const picks = () => [...queue.querySelectorAll(".row:not(.held) .pick:checked")];

const pickedRows = () => picks().map((pick) => pick.closest(".row"));
const together = document.getElementById("together");
const areAlike = (rows) => new Set(rows.map((row) => row.dataset.alike)).size === 1;

many?.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (isNothing(event.submitter)) return;
  const rows = pickedRows();
  if (rows.length === 0) return say("Nothing is selected any more.");
  const card = opened();
  if (card && rows.includes(rowOf(card.dataset.requestId)) && typed(card).length > 0) {
    return say("You have written into a request that is selected: decide that one by itself, or clear what you wrote.", "bad");
  }
  if (event.submitter?.value === "allow" && !areAlike(rows)) return readTogether(event.submitter);
  decideMany(many, event.submitter, rows);
});

function decideMany(form, button, rows) {
  const isIn = rows.some(isOpened);
  const then = isIn ? moveOn(rows) : focusCurrent;
  const ids = rows.map((row) => row.dataset.requestId);
  const reason = many.elements.comment.value;
  const restore = () => {
    rows.filter((row) => row.isConnected).forEach((row) => select(row, true));
    many.elements.comment.value ||= reason;
  };
  decide({ form, button, rows, ids, card: null, then, restore, reason });
  many.reset();
  rows.forEach((row) => row.querySelectorAll(".pick").forEach((pick) => (pick.checked = false)));
  selected();
}

/** Different ones are approved together once each was on the screen in full. */
async function readTogether(button) {
  try {
    const body = new URLSearchParams(new FormData(many, button));
    const headers = { accept: "text/html" };
    const answer = await fetch(many.getAttribute("action"), { method: "POST", headers, body });
    if (answer.status === 401) return loggedOut();
    const page = parsed(await answer.text());
    const form = page.querySelector("form.together");
    if (!form) return say(page.querySelector(".problem")?.textContent ?? "That did not work.", "bad");
    together.replaceChildren(page.querySelector("h1"), form);
    together.showModal();
    seenToTheEnd(form);
  } catch {
    say("The server does not answer. Try again.", "bad");
  }
}

/** The box that says so can be ticked once the end has been on the screen. */
function seenToTheEnd(form) {
  const box = form.querySelector("[name=acknowledged]");
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    box.disabled = false;
    seen.disconnect();
  }, { root: together });
  box.disabled = true;
  seen.observe(form.querySelector(".end"));
}

together.addEventListener("click", (event) => {
  if (!event.target.closest(".leave")) return;
  event.preventDefault();
  together.close();
});
together.addEventListener("submit", (event) => {
  event.preventDefault();
  if (isNothing(event.submitter)) return;
  const rows = [...event.target.querySelectorAll("[data-request-id]")].map((line) => rowOf(line.dataset.requestId));
  together.close();
  decideMany(event.target, event.submitter, rows.filter(Boolean));
});

function selected() {
  if (!many) return;
  const rows = pickedRows();
  const alike = areAlike(rows);
  const plain = rows.every((row) => row.dataset.plain);
  const count = document.getElementById("selected");
  // What is the same is not read aloud again.
  if (count.textContent !== `${rows.length} selected`) count.textContent = `${rows.length} selected`;
  document.getElementById("clear").hidden = rows.length === 0;
  document.getElementById("every").hidden = rows.length === 0;
  document.getElementById("unlike").hidden = rows.length === 0 || alike || plain;
  document.getElementById("same-care").hidden = !alike;
  many.querySelector("[value=allow]").disabled = !alike && !plain;
  const care = many.querySelector("[name=acknowledged]");
  care.disabled = !alike;
  care.required = alike;
}

/** Selects a row, with those that are folded under it, or no longer. */
function select(row, isSelected) {
  const folded = row.querySelector(".times[aria-expanded=false]");
  const rows = folded ? waiting().filter((other) => other.dataset.group === row.dataset.group) : [row];
  rows.forEach((row) => row.querySelectorAll(".pick").forEach((pick) => (pick.checked = isSelected)));
  selected();
}

queue.addEventListener("change", (event) => {
  if (event.target.matches(".pick")) select(event.target.closest(".row"), event.target.checked);
});
document.getElementById("every")?.addEventListener("click", () => shown().forEach((row) => select(row, true)));
document.getElementById("clear")?.addEventListener("click", () => {
  picks().forEach((pick) => (pick.checked = false));
  selected();
  focusCurrent();
});
