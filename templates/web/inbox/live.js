// -- Live --

/** How long changes are gathered before they are looked at, in milliseconds. */
const GATHERING = 30;
/** How long a lost server is left alone before it is tried again, in milliseconds. */
const PAUSE = 1500;
/** How long a server may take to answer before the page says that it does not, in milliseconds. */
const PATIENCE = 2000;
/** What says nothing about whether a request waits. */
const AFTERWARDS = [
  "interaction.claimed", "interaction.approval_withdrawn", "interaction.outcome_reported", "secret.taken", "secret.wiped",
];

/** What one tab puts off leaves the rows of the others. */
const tabs = new BroadcastChannel("countersign");
tabs.addEventListener("message", () => schedule());

const wanted = new Set();
let timer = null;
let everything = false;
/** The newest event that the page knows of. */
let seq = Number(queue.dataset.seq);
let source = null;

function schedule(id) {
  if (id === undefined) everything = true;
  else wanted.add(id);
  timer ??= setTimeout(() => {
    const ids = [...wanted];
    const all = everything || ids.length > 50 || waiting().length > MOST;
    wanted.clear();
    timer = null;
    everything = false;
    if (all) lookAtAll();
    else look(ids);
  }, GATHERING);
}

let triedAt = -Infinity;

function connect() {
  triedAt = performance.now();
  source = new EventSource(queue.dataset.live);
  source.addEventListener("hello", (event) => {
    offline(false);
    // Nothing is fetched twice: the page may know all of it.
    const newest = JSON.parse(event.data).seq;
    if (newest !== seq) schedule();
    seq = newest;
    fetchMissing();
  });
  source.addEventListener("changed", (event) => {
    const change = JSON.parse(event.data);
    seq = change.seq;
    // What a query finds only the server can tell.
    if (!AFTERWARDS.includes(change.event)) schedule(queue.dataset.find ? undefined : change.requestId);
  });
  source.addEventListener("ended", loggedOut);
  source.onerror = () => {
    source.close();
    // What ends as soon as it begins is not tried without a pause.
    setTimeout(comeBack, Math.max(0, PAUSE - (performance.now() - triedAt)));
  };
}

/** Whether the server is gone or the session is: those are told apart before anything is said. */
async function comeBack() {
  if (ended.open) return;
  const silent = setTimeout(() => offline(true), PATIENCE);
  const answer = await ask(`${base}/rows?ids=`);
  clearTimeout(silent);
  if (answer !== null) return connect();
  if (ended.open) return;
  offline(true);
  setTimeout(comeBack, PAUSE);
}

function offline(is) {
  document.body.classList.toggle("offline", is);
  line.hidden = !is;
  line.textContent = is ? "The server does not answer. Nothing is lost; this page goes on when it is back." : "";
}

document.addEventListener("loggedout", () => {
  source?.close();
  offline(false);
});
document.addEventListener("loggedin", () => {
  // They carry the word of the session before.
  ahead.clear();
  const csrf = document.querySelector("[name=csrf]")?.value ?? "";
  drafts.forEach((card) => card.querySelectorAll("[name=csrf]").forEach((field) => (field.value = csrf)));
  held.forEach(({ body, card }) => {
    body.set("csrf", csrf);
    card?.querySelectorAll("[name=csrf]").forEach((field) => (field.value = csrf));
  });
  connect();
  schedule();
});
