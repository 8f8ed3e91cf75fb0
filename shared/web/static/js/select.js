/* Selecting tickets in lists: ranges, all, across refreshes of a list; and dragging them to a person.

Everything here fills in the form `#move`, which works without it. */
import { off } from "./shortcuts.js";

const NAME = "ticket";
const chosen = new Set();
let last = null;

const form = () => document.getElementById("move");
const boxes = () => [...document.querySelectorAll(`input[type=checkbox][name="${NAME}"]`)];
const visible = (box) => box.offsetParent !== null;
const boxOf = (row) => row?.querySelector(`input[type=checkbox][name="${NAME}"]`) ?? null;

function show() {
  for (const place of document.querySelectorAll(`[data-count="${NAME}"]`)) place.textContent = String(chosen.size);
  const folded = form()?.closest("details");
  if (folded && chosen.size > 0) folded.open = true;
}

function set(box, checked) {
  box.checked = checked;
  if (checked) chosen.add(box.value);
  else chosen.delete(box.value);
}

/* From the box last touched to this one, in the order of the page. */
function range(box) {
  const shown = boxes().filter(visible);
  const from = shown.findIndex((each) => each.value === last);
  const to = shown.indexOf(box);
  const [first, end] = from < 0 ? [to, to] : [Math.min(from, to), Math.max(from, to)];
  for (const each of shown.slice(first, end + 1)) set(each, true);
}

document.addEventListener("click", (event) => {
  const box = event.target.closest?.(`input[type=checkbox][name="${NAME}"]`);
  if (!box) return;
  if (event.shiftKey && box.checked) range(box);
  set(box, box.checked);
  last = box.value;
  show();
});

document.addEventListener("change", (event) => {
  if (event.target.closest?.("[data-select-all]")) {
    for (const box of boxes()) set(box, box.checked); // forms.js has checked them
    show();
  }
  const chooses = event.target.closest?.("[data-chooses]");
  if (chooses?.checked) document.getElementById(chooses.dataset.chooses).value = "spread";
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "X" || off() || event.ctrlKey || event.metaKey || event.altKey) return;
  const box = boxOf(document.activeElement?.closest?.("[data-row]"));
  if (!box) return;
  event.preventDefault();
  range(box);
  last = box.value;
  show();
});

/* A list that was fetched anew has forgotten what was chosen; what is no longer in any list is let go. */
function restore() {
  const present = new Set();
  for (const box of boxes()) {
    present.add(box.value);
    if (chosen.has(box.value)) box.checked = true;
    const row = box.closest("[data-row]");
    if (row) row.draggable = true;
  }
  for (const value of [...chosen]) if (!present.has(value)) chosen.delete(value);
  show();
}

document.addEventListener("dragstart", (event) => {
  const box = boxOf(event.target.closest?.("[data-row]"));
  if (!box) return;
  set(box, true);
  last = box.value;
  show();
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", [...chosen].map((value) => `#${value}`).join(" "));
  document.body.classList.add("is-dragging");
});

const target = (event) => (document.body.classList.contains("is-dragging") ? event.target.closest?.("[data-drop]") : null);

function mark(element) {
  for (const each of document.querySelectorAll(".is-drop")) if (each !== element) each.classList.remove("is-drop");
  element?.classList.add("is-drop");
}

document.addEventListener("dragover", (event) => {
  const place = target(event);
  mark(place);
  if (place) event.preventDefault();
});

document.addEventListener("dragend", () => {
  document.body.classList.remove("is-dragging");
  mark(null);
});

/* The drop chooses whom; why is still to be said, so the tickets move when the form is sent. */
document.addEventListener("drop", (event) => {
  const place = target(event);
  if (!place || !form()) return;
  event.preventDefault();
  const to = form().elements.namedItem("person_id");
  to.value = place.dataset.drop;
  const reason = document.getElementById("move-reason");
  reason.focus();
  reason.scrollIntoView({ block: "nearest" });
});

for (const box of boxes()) if (box.checked) chosen.add(box.value);
document.addEventListener("htmx:load", restore);
restore();
