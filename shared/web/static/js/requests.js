/* What happens around htmx's requests: a failed one is said aloud and nothing that was typed is lost. */
const texts = document.body.dataset;

function say(text, kind = "error") {
  const place = document.getElementById("flashes");
  if (!place || !text) return;
  const box = document.createElement("div");
  box.className = `notice notice--${kind}`;
  box.textContent = text;
  place.replaceChildren(box);
  box.scrollIntoView({ block: "nearest" });
}

document.addEventListener("htmx:sendError", () => say(texts.textFailed));
document.addEventListener("htmx:timeout", () => say(texts.textFailed));
document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  say(status === 401 ? texts.textGone : texts.textFailed);
});

// An error answered as a whole page goes where flashes go: never into the middle of a list.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (xhr.status < 400 || xhr.getResponseHeader("X-Fragment")) return;
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
  const message = page.querySelector("[data-message]")?.textContent?.trim();
  say(message || texts.textFailed);
  event.detail.shouldSwap = false;
});
