/* Small helps in forms: template insertion, drafts that survive a reload, selecting all. */
const draftKey = (field) => `centralita.draft.${field.dataset.draft}`;

function setUp(root) {
  for (const field of root.querySelectorAll?.("textarea[data-draft]") ?? []) {
    if (field.dataset.ready) continue;
    field.dataset.ready = "1";
    if (field.value === "") field.value = sessionStorage.getItem(draftKey(field)) ?? "";
    field.addEventListener("input", () => sessionStorage.setItem(draftKey(field), field.value));
    field.form?.addEventListener("submit", () => sessionStorage.removeItem(draftKey(field)));
  }
  for (const box of root.querySelectorAll?.("[data-select-all]") ?? []) {
    box.closest(".field-hidden")?.removeAttribute("hidden");
    box.addEventListener("change", () => {
      for (const other of document.querySelectorAll(`input[name="${box.dataset.selectAll}"]`)) other.checked = box.checked;
      count();
    });
  }
}

function count() {
  for (const place of document.querySelectorAll("[data-count]")) {
    place.textContent = String(document.querySelectorAll(`input[name="${place.dataset.count}"]:checked`).length);
  }
}

document.addEventListener("change", count);

for (const element of document.querySelectorAll("[data-needs-js]")) element.hidden = false;
for (const element of document.querySelectorAll("[data-without-js]")) element.hidden = true;

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  if (!button) return;
  const select = document.getElementById(button.dataset.insert);
  const field = document.getElementById(button.dataset.insertInto);
  const text = select?.selectedOptions[0]?.dataset.text;
  if (!field || !text) return;
  field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
});

document.addEventListener("htmx:load", (event) => setUp(event.detail.elt));
setUp(document);
count();
