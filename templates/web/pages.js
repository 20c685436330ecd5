// What the pages beside the queue do more with a script: days as they are here, copying, a preview while a rule is typed, and that
// an agent has asked.

for (const link of document.querySelectorAll("a[data-offset]")) {
  const offset = -new Date().getTimezoneOffset();
  if (offset !== 0) link.search = new URLSearchParams({ offsetMinutes: offset });
}

// Times as they are here; UTC is said where one points at them.
const inFull = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const inARow = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });

function localTimes(part) {
  for (const time of part.querySelectorAll("time")) {
    if (!time.textContent.endsWith(" UTC")) continue;
    time.title = time.textContent;
    const at = new Date(time.dateTime);
    const isShort = time.closest(".row") && at.getFullYear() === new Date().getFullYear();
    time.textContent = (isShort ? inARow : inFull).format(at);
  }
}

localTimes(document.getElementById("main"));

const kept = document.getElementById("kept");
if (kept) {
  const grace = document.getElementById("grace");
  const status = kept.querySelector("[data-kept]");
  document.getElementById("zone").textContent = `the time zone of this browser, ${inFull.resolvedOptions().timeZone}`;
  try {
    grace.value = localStorage.getItem("countersign-grace") ?? grace.value;
    kept.hidden = false;
  } catch {
    // A browser that keeps nothing has nothing to set.
  }
  kept.addEventListener("submit", (event) => event.preventDefault());
  grace.addEventListener("change", () => {
    if (!grace.reportValidity() || grace.value === "") return;
    localStorage.setItem("countersign-grace", grace.value);
    status.textContent = "Kept in this browser.";
  });
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  const status = button.parentElement.querySelector("[data-copied]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(source);
    try {
      await navigator.clipboard.writeText(source.textContent);
      status.textContent = "Copied.";
    } catch {
      // Only pages that came over TLS or the loopback may write there; the older way needs the selection.
      status.textContent = document.execCommand("copy") ? "Copied." : "It is selected: copy it with your keyboard.";
    }
  });
}

document.addEventListener("loggedin", () => document.querySelector("form[data-preview]")?.dispatchEvent(new Event("input")));

const editor = document.querySelector("form[data-preview]");
if (editor) {
  const shown = document.getElementById(editor.dataset.preview);
  // What is read aloud while one types: the sum of it alone.
  const said = document.getElementById(`${editor.dataset.preview}-said`);
  let timer;
  let asked;

  const show = async () => {
    clearTimeout(timer);
    asked?.abort();
    asked = new AbortController();
    const { signal } = asked;
    const body = new URLSearchParams(new FormData(editor));
    body.set("part", "true");
    try {
      const answer = await fetch(editor.querySelector("[data-show]").formAction, { method: "POST", body, signal });
      if (answer.ok) {
        shown.innerHTML = await answer.text();
        localTimes(shown);
        said.textContent = shown.querySelector("p").textContent;
      } else if (answer.status === 401) {
        loggedOut();
      } else {
        say((await answer.json()).error);
      }
    } catch (error) {
      if (error.name !== "AbortError") say("The server cannot be reached.");
    }
  };

  const say = (sentence) => {
    const line = document.createElement("p");
    line.className = "problem";
    line.textContent = sentence;
    shown.replaceChildren(line);
    said.textContent = sentence;
  };

  editor.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, 250);
  });
  editor.addEventListener("submit", (event) => {
    if (event.submitter?.hasAttribute("data-show")) {
      event.preventDefault();
      show();
    }
  });
}

const arrival = document.getElementById("arrival");
if (arrival) {
  // The page may be the answer that shows a token: loaded again, it goes on without it and makes no other.
  history.replaceState(null, "", arrival.dataset.page);
  if (arrival.dataset.live) awaitQuestion();
}

/** Looks, with each question that comes, whether it is the agent's first. */
function awaitQuestion() {
  const source = new EventSource(arrival.dataset.live);
  let timer;

  const look = async () => {
    timer = undefined;
    const answer = await fetch(arrival.dataset.part, { redirect: "manual" }).catch(() => undefined);
    if (answer?.status === 401) source.close();
    // Where there is no good answer it is looked again with the next question, or when the feed has come back.
    if (!answer?.ok) return;
    const part = document.createElement("template");
    part.innerHTML = await answer.text();
    if (!part.content.querySelector("[data-arrived]")) return;
    source.close();
    arrival.replaceChildren(part.content);
  };
  const lookSoon = () => (timer ??= setTimeout(look, 100));

  source.addEventListener("hello", lookSoon);
  source.addEventListener("changed", (event) => JSON.parse(event.data).event === "interaction.registered" && lookSoon());
}
