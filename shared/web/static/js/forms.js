/* Small helps in forms: template insertion, drafts that survive a reload, select-all, asking before text is lost. */
const draftKey = (field) => `centralita.draft.${field.dataset.draft}`;
let sending = false;

function setUp(root) {
  for (const field of root.querySelectorAll?.("textarea[data-draft]") ?? []) {
    if (field.dataset.ready) continue;
    field.dataset.ready = "1";
    if (field.value === "") field.value = sessionStorage.getItem(draftKey(field)) ?? "";
    field.addEventListener("input", () => sessionStorage.setItem(draftKey(field), field.value));
    field.form?.addEventListener("submit", () => {
      sending = true;
      sessionStorage.removeItem(draftKey(field));
    });
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

document.addEventListener("change", (event) => {
  count();
  const insert = event.target.closest("[data-insert-into]");
  if (insert && insert.value) {
    const field = document.getElementById(insert.dataset.insertInto);
    const text = insert.selectedOptions[0]?.dataset.text ?? "";
    if (field && text) {
      field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.focus();
    }
    insert.value = "";
  }
  const submit = event.target.closest("[data-submit-on-change]");
  if (submit) submit.form?.requestSubmit();
});

for (const element of document.querySelectorAll("[data-needs-js]")) element.hidden = false;
for (const element of document.querySelectorAll("[data-without-js]")) element.hidden = true;

window.addEventListener("beforeunload", (event) => {
  if (sending) return;
  const unsent = [...document.querySelectorAll("textarea[data-draft]")].some((field) => field.value.trim() !== "" && field.value !== field.defaultValue);
  if (unsent) event.preventDefault();
});

document.addEventListener("htmx:load", (event) => setUp(event.detail.elt));
setUp(document);
count();
