/* Single-key shortcuts: never while typing, and off for good when the person says so (WCAG 2.1.4). */
const OFF = "centralita.shortcuts.off";
export const off = () => localStorage.getItem(OFF) === "1";
const GO = { m: "/work", q: "/queue", b: "/board", c: "/contacts/new", p: "/people", h: "/health" };
let pending = 0;

const typing = (target) =>
  target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]") !== null;
const visible = (element) => element.offsetParent !== null;
const rows = () => [...document.querySelectorAll("[data-row]")].filter(visible);
const handle = (row) => row.querySelector("a[data-open]") ?? row.querySelector("a") ?? row;

function move(step) {
  const list = rows();
  if (list.length === 0) return;
  const at = list.findIndex((row) => row.contains(document.activeElement));
  const next = list[at < 0 ? (step > 0 ? 0 : list.length - 1) : Math.min(list.length - 1, Math.max(0, at + step))];
  handle(next).focus();
  next.scrollIntoView({ block: "nearest" });
}

function first(key) {
  const mark = `[data-key="${CSS.escape(key)}"]`;
  const here = document.activeElement?.closest?.("[data-row]") ?? document.querySelector(".is-current[data-row-of-keys]");
  return here?.querySelector(mark) ?? [...document.querySelectorAll(mark)].find(visible);
}

function press(key) {
  const element = first(key);
  if (!element) return false;
  const details = element.closest("details");
  if (details) details.open = true;
  if (element.matches("textarea, select, input:not([type=checkbox], [type=radio])")) {
    element.focus();
    element.scrollIntoView({ block: "center" });
  } else element.click();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form) {
    event.preventDefault();
    event.target.form.requestSubmit(event.target.form.querySelector("[data-default]") ?? undefined);
    return;
  }
  if (off() || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (typing(event.target) || document.querySelector("dialog[open]")) return;
  const key = event.key;
  if (pending && Date.now() - pending < 1500 && GO[key]) {
    pending = 0;
    const link = document.querySelector(`.bar a[href="${GO[key]}"]`);
    if (link) {
      event.preventDefault();
      link.click();
    }
    return;
  }
  pending = 0;
  if (key === "g") pending = Date.now();
  else if (key === "j") move(1);
  else if (key === "k") move(-1);
  else if (key === "o") document.activeElement?.closest?.("[data-row]")?.querySelector("a[data-open]")?.click();
  else if (key === "?") document.getElementById("keyboard-help")?.showModal();
  else if (key === "/") {
    const field = document.querySelector("[data-key='/']");
    if (field) field.focus();
    else window.location.assign("/queue#search");
  } else if (key.length !== 1 || !press(key)) return;
  event.preventDefault();
});

for (const box of document.querySelectorAll("[data-shortcuts-off]")) {
  box.checked = off();
  box.addEventListener("change", () => {
    if (box.checked) localStorage.setItem(OFF, "1");
    else localStorage.removeItem(OFF);
    for (const other of document.querySelectorAll("[data-shortcuts-off]")) other.checked = box.checked;
  });
}
