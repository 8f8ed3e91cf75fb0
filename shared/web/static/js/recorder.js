/* Records from the microphone into a form's file field, so that the form is sent as if a file had been chosen. */
function setUp(form) {
  const button = form.querySelector("[data-record]");
  const state = form.querySelector("[data-record-state]");
  const preview = form.querySelector("[data-record-preview]");
  const field = form.querySelector("input[type=file]");
  if (!button || !field) return;
  if (!window.MediaRecorder || !navigator.mediaDevices) {
    button.closest("[data-needs-js]").remove();
    return;
  }
  const words = button.querySelector("span");
  const start = words.textContent;
  let recorder = null;

  function finished(stream, parts) {
    for (const track of stream.getTracks()) track.stop();
    const kind = recorder.mimeType.split(";")[0];
    recorder = null;
    words.textContent = start;
    const recording = new File(parts, `recording.${kind.split("/")[1] || "webm"}`, { type: kind });
    const files = new DataTransfer();
    files.items.add(recording);
    field.files = files.files;
    if (preview.src) URL.revokeObjectURL(preview.src);
    preview.src = URL.createObjectURL(recording);
    preview.hidden = false;
    state.textContent = state.dataset.textReady;
  }

  button.addEventListener("click", async () => {
    if (recorder) {
      recorder.stop();
      return;
    }
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch {
      state.textContent = state.dataset.textDenied;
      return;
    }
    const parts = [];
    recorder = new MediaRecorder(stream);
    recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
    recorder.addEventListener("stop", () => finished(stream, parts));
    recorder.start();
    words.textContent = button.dataset.textStop;
    state.textContent = state.dataset.textRecording;
  });

  // A file that is chosen afterwards replaces the recording.
  field.addEventListener("change", () => {
    preview.hidden = true;
    state.textContent = "";
  });
}

for (const form of document.querySelectorAll("form[data-recorder]")) setUp(form);
