/* Tells the server that somebody is here: every 25 s while the tab is open, at once when it is shown, gone when left. */
const url = document.body.dataset.presence;
const KEY = "centralita.tab";
const EVERY_MS = 25000;

// A duplicated tab copies sessionStorage; a tab that was not just reloaded takes a name of its own.
const [navigation] = performance.getEntriesByType("navigation");
let tab = sessionStorage.getItem(KEY);
const claimed = sessionStorage.getItem(`${KEY}.open`) === "1" && navigation?.type !== "reload";
if (!tab || claimed) {
  tab = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`;
  sessionStorage.setItem(KEY, tab);
}
sessionStorage.setItem(`${KEY}.open`, "1");

const body = () => new URLSearchParams({ tab_id: tab, csrf_token: document.body.dataset.csrf });
const beat = () => fetch(`${url}/heartbeat`, { method: "POST", body: body(), keepalive: true }).catch(() => {});

if (url) {
  beat();
  window.setInterval(beat, EVERY_MS);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) beat();
  });
  window.addEventListener("pagehide", () => {
    sessionStorage.removeItem(`${KEY}.open`);
    navigator.sendBeacon(`${url}/leave`, body());
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      sessionStorage.setItem(`${KEY}.open`, "1");
      beat();
    }
  });
}
