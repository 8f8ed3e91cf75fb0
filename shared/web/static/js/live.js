/* What changed, such as «ticket 42», for the parts that show it (parts.js): one SSE connection for all tabs of a browser.

Without HTTP/2 a browser opens six connections to a host: with one in every tab, the seventh tab would never load. The
tab that holds a lock listens and passes on what it hears; when it goes, another takes its place. Browsers offer locks
only over HTTPS and on this machine: elsewhere every tab listens for itself. */
const url = document.body.dataset.live;
const texts = document.body.dataset;
const since = new URLSearchParams({ since: texts.heard ?? "" }); // what this page shows already
const status = document.getElementById("connection");
const NAME = `live ${texts.csrf}`; // of one session: somebody else who signs in here has other news
const UNTIL_LISTENING_MS = 500;
const tabs = navigator.locks ? new BroadcastChannel(NAME) : null;
let source = null;
let lost = 0;
let leave = () => {};

const tell = (...names) => document.body.dispatchEvent(new CustomEvent("live", { detail: { names } }));

function hear({ names = [], connected = null }) {
  if (names.length) tell(...names);
  if (connected === true && lost) {
    window.clearTimeout(lost);
    lost = 0;
    if (document.body.classList.contains("is-offline") && status) status.textContent = texts.textBack;
    document.body.classList.remove("is-offline");
    tell("resync");
  }
  if (connected === false && !lost) {
    lost = window.setTimeout(() => {
      document.body.classList.add("is-offline");
      if (status) status.textContent = texts.textLost;
    }, 5000);
  }
}

function pass(news) {
  hear(news);
  tabs?.postMessage(news);
}

function names({ kind, id, mine }) {
  return [kind, `${kind}-${id}`, ...(kind === "ticket" && mine ? ["mine"] : [])];
}

function connect() {
  const mine = new EventSource(`${url}?${since}`);
  source = mine;
  mine.addEventListener("change", (message) => pass({ names: names(JSON.parse(message.data)) }));
  mine.addEventListener("open", () => pass({ connected: true }));
  mine.addEventListener("error", () => {
    pass({ connected: false });
    // A browser gives up after an HTTP error (a restart, an ended session): try again, slowly.
    if (mine.readyState === EventSource.CLOSED) window.setTimeout(() => source === mine && connect(), 4000);
  });
}

/* What changed between the making of this page and now; who listens is told so when it connects. */
async function catchUp() {
  const answer = await fetch(`${url}/missed?${since}`).catch(() => null);
  tell(...(answer?.ok ? (await answer.json()).flatMap(names) : ["resync"]));
}

function disconnect() {
  source?.close();
  source = null;
}

function join() {
  if (!tabs) {
    leave = disconnect;
    connect();
    return;
  }
  const leaving = new AbortController();
  const left = new Promise((resolve) => {
    leave = () => {
      leaving.abort();
      disconnect();
      resolve();
    };
  });
  const listen = () => {
    connect();
    return left;
  };
  navigator.locks.request(NAME, { signal: leaving.signal }, listen).catch((error) => {
    if (error.name !== "AbortError") connect();
  });
  window.setTimeout(() => source || catchUp(), UNTIL_LISTENING_MS);
}

if (url) {
  if (tabs) tabs.onmessage = (message) => hear(message.data);
  join();
  window.addEventListener("pagehide", () => leave());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      join();
      tell("resync");
    }
  });
}

// How many offers wait stands in the tab's title, so that it is seen from another tab.
const title = document.title;
document.addEventListener("htmx:afterSettle", () => {
  const count = document.querySelectorAll("[data-offer]").length;
  document.title = count ? `(${count}) ${title}` : title;
});
