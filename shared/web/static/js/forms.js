/* Small helps in forms: template insertion, drafts that survive a reload, selecting all. */
const draftKey = (field) => `centralita.draft.${field.dataset.draft}`;

function setUp(root) {
  for (const element of root.querySelectorAll?.("[data-needs-js]") ?? []) element.hidden = false;
  for (const field of root.querySelectorAll?.("textarea[data-draft]") ?? []) {
    if (field.dataset.ready) continue;
    field.dataset.ready = "1";
    if (field.value === "") field.value = sessionStorage.getItem(draftKey(field)) ?? "";
    field.addEventListener("input", () => sessionStorage.setItem(draftKey(field), field.value));
    field.form?.addEventListener("submit", () => sessionStorage.removeItem(draftKey(field)));
  }
}

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

/* «Select all»: of its own section. */
document.addEventListener("change", (event) => {
  const box = event.target.closest?.("[data-select-all]");
  if (!box) return;
  const wanted = `input[name="${box.dataset.selectAll}"]`;
  const section = box.closest("section");
  const others = section?.querySelector(wanted) ? section.querySelectorAll(wanted) : document.querySelectorAll(wanted);
  for (const other of others) other.checked = box.checked;
});

document.addEventListener("htmx:load", (event) => setUp(event.detail.elt));
setUp(document);
