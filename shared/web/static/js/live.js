/* One SSE connection per page: passes «ticket 42 changed» on to the parts that show it, which then ask again. */
const url = document.body.dataset.live;
const texts = document.body.dataset;
const status = document.getElementById("connection");
let source = null;
let lost = 0;

// Parts that are being fetched. What is told meanwhile may be missing in the answer under way, and htmx forgets the
// request that it queued for a part when its answer replaces that part: so all parts are fetched once more afterwards.
const AGAIN_MS = 200;
const underway = new Set();
let missed = false;

function tell(name, detail = {}) {
  for (const part of underway) {
    if (part.getAttribute("hx-trigger").includes(`${name} from:body`)) missed = true;
  }
  document.body.dispatchEvent(new CustomEvent(name, { detail }));
}

document.addEventListener("htmx:beforeSend", ({ detail }) => {
  const part = detail.elt;
  if (!part.matches("[hx-trigger*='live:']")) return;
  underway.add(part);
  detail.xhr.addEventListener("loadend", () => {
    underway.delete(part);
    if (!missed) return;
    missed = false;
    window.setTimeout(() => tell("live:resync"), AGAIN_MS);
  });
});

function connect() {
  source = new EventSource(url);
  source.addEventListener("change", (message) => {
    const event = JSON.parse(message.data);
    tell(`live:${event.kind}`, event);
    if (event.kind === "ticket" && event.mine) tell("live:mine", event);
    if (event.id) tell(`live:${event.kind}-${event.id}`, event);
  });
  source.addEventListener("open", () => {
    if (lost) {
      window.clearTimeout(lost);
      lost = 0;
      if (document.body.classList.contains("is-offline") && status) status.textContent = texts.textBack;
      document.body.classList.remove("is-offline");
      tell("live:resync");
    }
  });
  source.addEventListener("error", () => {
    if (!lost) {
      lost = window.setTimeout(() => {
        document.body.classList.add("is-offline");
        if (status) status.textContent = texts.textLost;
      }, 5000);
    }
    // A browser gives up after an HTTP error (a restart, an ended session): try again, slowly.
    if (source.readyState === EventSource.CLOSED) window.setTimeout(connect, 4000);
  });
}

if (url) {
  connect();
  window.addEventListener("pagehide", () => source?.close());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      connect();
      tell("live:resync");
    }
  });
}

// How many offers wait stands in the tab's title, so that it is seen from another tab.
const title = document.title;
document.addEventListener("htmx:afterSettle", () => {
  const count = document.querySelectorAll("[data-offer]").length;
  document.title = count ? `(${count}) ${title}` : title;
});
