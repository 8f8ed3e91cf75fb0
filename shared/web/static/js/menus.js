/* Menus and dialogs: a menu closes on Escape and on a click elsewhere; buttons open their dialog. */
const open = () => document.querySelectorAll("details.menu[open]");

document.addEventListener("click", (event) => {
  for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
  const opener = event.target.closest("[data-open-dialog]");
  if (opener) document.getElementById(opener.dataset.openDialog)?.showModal();
  const dismiss = event.target.closest("[data-dismiss]");
  if (dismiss) {
    const box = dismiss.closest(dismiss.dataset.dismiss);
    if (box?.dataset.offer) sessionStorage.setItem(`centralita.hidden.${box.dataset.offer}`, "1");
    box?.remove();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of open()) {
    menu.open = false;
    menu.querySelector("summary")?.focus();
  }
});

document.addEventListener("focusout", (event) => {
  const menu = event.target.closest?.("details.menu[open]");
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
});

for (const element of document.querySelectorAll("[data-open-dialog][hidden]")) element.hidden = false;

// What was hidden in this tab stays hidden when the notices are fetched anew.
document.addEventListener("htmx:load", () => {
  for (const box of document.querySelectorAll(".toast[data-offer]"))
    if (sessionStorage.getItem(`centralita.hidden.${box.dataset.offer}`)) box.remove();
});
