/* Keeps the keyboard where it was when htmx replaces what had the focus. */
let lost = null;

document.addEventListener("htmx:beforeSwap", (event) => {
  const target = event.detail.target;
  const active = document.activeElement;
  lost = target && active && target.contains(active) && active !== document.body ? target.id : null;
});

document.addEventListener("htmx:afterSettle", (event) => {
  const wanted = event.detail.elt?.querySelector?.("[data-focus]");
  if (wanted) {
    wanted.focus();
  } else if (lost && (document.activeElement === document.body || document.activeElement === null)) {
    const place = document.getElementById(lost);
    if (place) {
      if (!place.hasAttribute("tabindex")) place.setAttribute("tabindex", "-1");
      place.focus({ preventScroll: true });
    }
  }
  lost = null;
});

// A page that came back with mistakes starts at the first of them.
document.querySelector("[aria-invalid='true']")?.focus();
