/* Counts an offer down: <span data-countdown="ISO time">. Says nothing aloud but «one minute» and «gone». */
const REDUCED = window.matchMedia("(prefers-reduced-motion: reduce)").matches;

function show(element) {
  const left = Math.max(0, Math.round((Date.parse(element.dataset.countdown) - Date.now()) / 1000));
  const text = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  if (!REDUCED || left % 15 === 0 || element.textContent === "") element.textContent = text;
  element.classList.toggle("countdown--short", left <= 30);
  if (left === 0 && !element.dataset.done) {
    element.dataset.done = "1";
    // The server takes it back by itself; ask for the list again a moment later.
    window.setTimeout(() => document.body.dispatchEvent(new CustomEvent("live", { detail: { names: ["offer"] } })), 1500);
  }
}

function all() {
  if (document.hidden) return;
  for (const element of document.querySelectorAll("[data-countdown]")) show(element);
}

window.setInterval(all, 1000);
document.addEventListener("htmx:load", all);
document.addEventListener("visibilitychange", all);
all();
