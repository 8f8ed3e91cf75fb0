/* Files of a form that are sent while one goes on writing: chosen, dropped on it, or pasted as a picture into its text.
   Without this the same field sends them together with the form. */
const input = (form) => form?.querySelector("input[type=file][data-uploads]");
const list = (field) => document.getElementById(field.dataset.uploads);
let caret = null; // the text field a picture was pasted into, until its line comes

function give(field, files) {
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  field.files = transfer.files;
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

function show(line) {
  const text = line.closest("form")?.querySelector("textarea[name=text]");
  if (!text || !line.dataset.markdown) return;
  text.setRangeText(`${line.dataset.markdown}\n`, text.selectionStart, text.selectionEnd, "end");
  text.dispatchEvent(new Event("input", { bubbles: true }));
  text.focus();
}

function ready(root) {
  for (const element of root.querySelectorAll?.("[data-needs-js]") ?? []) element.hidden = false;
  for (const element of root.querySelectorAll?.("[data-without-js]") ?? []) element.hidden = true;
}

document.addEventListener("htmx:afterRequest", (event) => {
  const field = event.detail.elt;
  if (!field.matches?.("input[data-uploads]")) return;
  if (event.detail.successful) field.value = ""; // they are with us now: the form must not bring them again
  ready(list(field));
  if (caret && event.detail.successful) show(list(field).lastElementChild);
  caret = null;
});

document.addEventListener("click", (event) => {
  const line = event.target.closest?.("li[data-upload]");
  if (!line) return;
  if (event.target.closest("[data-show-image]")) show(line);
  else if (event.target.closest("[data-remove-file]")) {
    event.preventDefault();
    const field = input(line.closest("form"));
    line.remove();
    field?.focus();
  }
});

for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    const form = event.target.closest?.("form[data-drop]");
    if (!form || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    form.classList.toggle("is-dropped-on", kind === "dragover");
    if (kind === "drop") give(input(form), event.dataTransfer.files);
  });
}

document.addEventListener("paste", (event) => {
  const field = input(event.target.closest?.("form[data-drop]"));
  const pictures = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"));
  if (!field || pictures.length === 0 || event.clipboardData.types.includes("text/plain")) return;
  event.preventDefault();
  caret = event.target;
  give(field, pictures.slice(0, 1));
});
