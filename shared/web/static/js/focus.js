/* Keeps the keyboard where it was when htmx replaces what had the focus. */
let lost = null;
let held = null; // what had it may be kept (hx-preserve), and loses it on the way

document.addEventListener("htmx:beforeSwap", (event) => {
  const target = event.detail.target;
  const active = document.activeElement;
  lost = target && active && target.contains(active) && active !== document.body ? target.id : null;
  held = lost && active;
});

document.addEventListener("htmx:afterSettle", (event) => {
  const wanted = event.detail.elt?.querySelector?.("[data-focus]");
  if (wanted) {
    wanted.focus();
  } else if (lost && (document.activeElement === document.body || document.activeElement === null)) {
    const place = document.getElementById(lost);
    if (held.isConnected) {
      held.focus({ preventScroll: true });
    } else if (place?.matches("details")) {
      place.querySelector("summary").focus({ preventScroll: true });
    } else if (place) {
      if (!place.hasAttribute("tabindex")) place.setAttribute("tabindex", "-1");
      place.focus({ preventScroll: true });
    }
  }
  lost = held = null;
});

// A part that refreshes itself waits while somebody types in it, and catches up when they leave.
let waiting = false;

document.addEventListener("htmx:beforeRequest", (event) => {
  const part = event.detail.elt;
  const active = document.activeElement;
  if (part.matches("[hx-trigger]") && part !== active && part.contains(active) && active.matches("input, textarea, select")) {
    event.preventDefault();
    waiting = true;
  }
});

document.addEventListener("focusout", () => {
  if (!waiting) return;
  window.setTimeout(() => {
    if (document.activeElement?.matches("input, textarea, select")) return;
    waiting = false;
    document.body.dispatchEvent(new CustomEvent("live", { detail: { names: ["resync"] } }));
  }, 300);
});

// What was unfolded stays unfolded.
let unfolded = [];

document.addEventListener("htmx:beforeSwap", (event) => {
  unfolded = [...(event.detail.target?.querySelectorAll?.("details[id][open]") ?? [])].map((each) => each.id);
});

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  for (const each of event.detail.target?.querySelectorAll?.("details[id][open]") ?? []) {
    const again = event.detail.fragment.querySelector(`#${CSS.escape(each.id)}`);
    if (again) again.open = true;
  }
});

document.addEventListener("htmx:afterSwap", () => {
  for (const id of unfolded) {
    const details = document.getElementById(id);
    if (details) details.open = true;
  }
  unfolded = [];
});

// A page that came back with mistakes starts at the first of them, one with a question at the question.
(document.querySelector("[aria-invalid='true']") ?? document.querySelector("[data-focus]"))?.focus();
