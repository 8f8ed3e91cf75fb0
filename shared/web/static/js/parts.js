/* Parts of a page that show what changes: `data-shows` names the news, `hx-trigger="refresh"` asks for the part again.

No news is dropped. What comes while a part is asking may be younger than the answer on its way, so the part asks once
more when it has it; `data-shows-pause` (milliseconds) spaces these questions out, and the last one is always asked. */
const UNTIL_READY_MS = 50;
const TRIES = 40;
const parts = new Map(); // id -> what is known of the part, across its replacements

function known(id) {
  if (!parts.has(id)) parts.set(id, { asking: false, stale: false, timer: 0, answered: -Infinity, heard: false });
  return parts.get(id);
}

function news(id) {
  const part = known(id);
  if (part.asking) {
    part.stale = true;
  } else if (!part.timer) {
    const pause = Number(document.getElementById(id)?.dataset.showsPause ?? 0);
    part.timer = window.setTimeout(ask, Math.max(0, part.answered + pause - performance.now()), id, TRIES);
  }
}

function ask(id, tries) {
  const part = known(id);
  part.timer = 0;
  part.heard = false;
  document.getElementById(id)?.dispatchEvent(new CustomEvent("refresh"));
  // A part that was replaced a moment ago is not htmx's yet, and hears nothing.
  if (!part.heard && tries > 0) part.timer = window.setTimeout(ask, UNTIL_READY_MS, id, tries - 1);
}

document.body.addEventListener("live", (event) => {
  for (const element of document.querySelectorAll("[data-shows]")) {
    if (element.dataset.shows.split(" ").some((name) => event.detail.names.includes(name))) news(element.id);
  }
});

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.dataset.shows) known(event.detail.elt.id).heard = true;
});

document.addEventListener("htmx:beforeSend", (event) => {
  if (event.detail.elt.dataset.shows) known(event.detail.elt.id).asking = true;
});

document.addEventListener("htmx:afterRequest", (event) => {
  const element = event.detail.requestConfig.elt;
  if (!element.dataset.shows) return;
  const part = known(element.id);
  part.asking = false;
  part.answered = performance.now();
  if (part.stale) {
    part.stale = false;
    news(element.id);
  }
});
