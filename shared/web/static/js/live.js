/* One SSE connection per page: passes «ticket 42 changed» on to the parts that show it (parts.js). */
const url = document.body.dataset.live;
const texts = document.body.dataset;
const status = document.getElementById("connection");
let source = null;
let lost = 0;

const tell = (...names) => document.body.dispatchEvent(new CustomEvent("live", { detail: { names } }));

function connect() {
  source = new EventSource(url);
  source.addEventListener("change", (message) => {
    const event = JSON.parse(message.data);
    const mine = event.kind === "ticket" && event.mine;
    tell(event.kind, `${event.kind}-${event.id}`, ...(mine ? ["mine"] : []));
  });
  source.addEventListener("open", () => {
    if (lost) {
      window.clearTimeout(lost);
      lost = 0;
      if (document.body.classList.contains("is-offline") && status) status.textContent = texts.textBack;
      document.body.classList.remove("is-offline");
      tell("resync");
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
