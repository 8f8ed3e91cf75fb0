/* Records from the microphone into a form's file field, so that the form is sent as if a file had been chosen.

A form may do without the level meter, the clock and the field that says that it was recorded. */
const LIMIT_S = 90; // as long as a greeting may be
const QUIET_DB = -34;
const LOUD_DB = -4;
const SAY_EVERY_MS = 2000; // a screen reader is told of the level now and then, not at every word

function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/* Shows how loud the microphone is: as a meter, and in words. Returns what ends it. */
function watchLevel(stream, meter, words) {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 2048;
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let highest = -60;
  let saidAt = 0;
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    let peak = 0;
    for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
    const level = Math.max(-60, 20 * Math.log10(peak || 1e-6));
    meter.value = level;
    highest = Math.max(highest, level);
    if (Date.now() - saidAt < SAY_EVERY_MS) return;
    const said = highest > LOUD_DB ? words.dataset.textHigh : highest < QUIET_DB ? words.dataset.textLow : words.dataset.textGood;
    if (words.textContent !== said) words.textContent = said;
    saidAt = Date.now();
    highest = -60;
  }, 100);
  return () => {
    clearInterval(timer);
    context.close();
    meter.value = -60;
    words.textContent = "";
  };
}

function setUp(form) {
  const find = (name) => form.querySelector(`[data-${name}]`);
  const button = find("record");
  const state = find("record-state");
  const preview = find("record-preview");
  const time = find("record-time");
  const levels = find("record-levels");
  const recorded = find("recorded");
  const field = form.querySelector("input[type=file]");
  if (!button || !field) return;
  if (!window.MediaRecorder || !navigator.mediaDevices) {
    button.closest("[data-needs-js]").remove();
    return;
  }
  const words = button.querySelector("span");
  const start = words.textContent;
  let recorder = null;
  let asking = false;

  function finished(stream, parts, end) {
    end();
    for (const track of stream.getTracks()) track.stop();
    const kind = recorder.mimeType.split(";")[0];
    recorder = null;
    words.textContent = start;
    if (levels) levels.hidden = true;
    const recording = new File(parts, `recording.${kind.split("/")[1] || "webm"}`, { type: kind });
    const files = new DataTransfer();
    files.items.add(recording);
    field.files = files.files;
    if (recorded) recorded.value = "true";
    if (preview.src) URL.revokeObjectURL(preview.src);
    preview.src = URL.createObjectURL(recording);
    preview.hidden = false;
    state.textContent = state.dataset.textReady;
  }

  async function begin() {
    let stream;
    try {
      // As the room sounds: what browsers do for calls (gain that breathes, noise gates) is heard in a greeting.
      stream = await navigator.mediaDevices.getUserMedia({ audio: { autoGainControl: false, channelCount: 1 } });
    } catch (error) {
      state.textContent = (error.name === "NotFoundError" && state.dataset.textNone) || state.dataset.textDenied;
      return;
    }
    const parts = [];
    const began = Date.now();
    const endLevel = levels ? watchLevel(stream, find("record-meter"), find("record-level")) : () => {};
    const ticking = setInterval(() => {
      const seconds = (Date.now() - began) / 1000;
      if (time) time.textContent = `${clock(seconds)} / ${clock(LIMIT_S)}`;
      if (seconds >= LIMIT_S && recorder) recorder.stop();
    }, 250);
    recorder = new MediaRecorder(stream);
    recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
    recorder.addEventListener("stop", () =>
      finished(stream, parts, () => {
        clearInterval(ticking);
        endLevel();
      }),
    );
    recorder.start();
    if (levels) levels.hidden = false;
    words.textContent = button.dataset.textStop;
    state.textContent = state.dataset.textRecording;
  }

  button.addEventListener("click", async () => {
    if (recorder) {
      if (recorder.state === "recording") recorder.stop();
      return;
    }
    if (asking) return;
    asking = true;
    await begin();
    asking = false;
  });

  // A file that is chosen afterwards replaces the recording.
  field.addEventListener("change", () => {
    preview.hidden = true;
    if (recorded) recorded.value = "false";
    state.textContent = "";
    if (time) time.textContent = "";
  });
}

for (const form of document.querySelectorAll("form[data-recorder]")) setUp(form);
