/* The player of recordings: one control for picture and place, words that follow, silence that can be skipped. */
import { Picture } from "./player-picture.js";
import { Words } from "./player-words.js";

const STOP_SHORT_S = 2; // so near to the end it was heard to the end
const RESUME_AFTER_S = 3;
const SKIP_LEAD_S = 0.1;
const memory = {
  get: (key) => localStorage.getItem(key),
  set(key, value) {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  },
};
const clock = (seconds) => {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
};
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
const players = new WeakMap();

class Player {
  constructor(figure) {
    this.figure = figure;
    this.audio = figure.querySelector("audio");
    this.slider = figure.querySelector(".player__position");
    this.says = figure.querySelector("[data-says]");
    this.whole = Number(figure.dataset.duration) || 0;
    this.quiet = [];
    const { person, recording } = figure.dataset;
    this.keys = { speed: `centralita.speed.${person}`, place: `centralita.place.${person}.${recording}` };
    figure.querySelector(".player__deck").hidden = false;
    figure.classList.add("is-ready");
    this.audio.controls = false;
    this.setUpControls();
    this.words = new Words(document.getElementById(figure.dataset.words), this);
    this.setUpAudio();
    this.resume();
    this.draw();
  }

  setUpControls() {
    this.figure.addEventListener("click", (event) => {
      const button = event.target.closest("[data-do]");
      if (button) this.act(button.dataset.do);
    });
    this.slider.addEventListener("input", () => this.seek(Number(this.slider.value)));
    this.slider.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 5, ArrowUp: 5, ArrowLeft: -5, ArrowDown: -5, PageUp: 15, PageDown: -15 }[event.key];
      if (step) this.seek(this.now() + step);
      else if (event.key === " ") this.act("play");
      else return;
      event.preventDefault();
    });
    const speed = this.figure.querySelector("[data-speed]");
    speed.value = memory.get(this.keys.speed) ?? "1";
    if (!speed.value) speed.value = "1";
    this.audio.defaultPlaybackRate = this.audio.playbackRate = Number(speed.value);
    speed.addEventListener("change", () => {
      this.audio.defaultPlaybackRate = this.audio.playbackRate = Number(speed.value);
      memory.set(this.keys.speed, speed.value);
    });
    const volume = this.figure.querySelector("[data-volume]");
    volume.addEventListener("input", () => { this.audio.volume = Number(volume.value) / 100; });
    this.skip = this.figure.querySelector("[data-skip]");
  }

  setUpAudio() {
    const { audio } = this;
    audio.addEventListener("loadedmetadata", () => {
      if (Number.isFinite(audio.duration)) this.whole = audio.duration;
      this.slider.max = String(this.whole);
      this.audio.playbackRate = this.audio.defaultPlaybackRate;
      if (this.wanted !== undefined) audio.currentTime = this.wanted;
      this.wanted = undefined;
    });
    audio.addEventListener("play", () => this.played(true));
    audio.addEventListener("pause", () => this.played(false));
    audio.addEventListener("ended", () => memory.set(this.keys.place, null));
    audio.addEventListener("timeupdate", () => this.moved());
    audio.addEventListener("seeked", () => this.moved(true));
    audio.addEventListener("error", () => this.say(this.figure.dataset.textFailed));
    this.moved(true);
  }

  now() {
    return this.wanted ?? this.audio.currentTime;
  }

  act(what) {
    if (what === "play") {
      if (this.audio.paused) this.start();
      else this.audio.pause();
    } else this.words.jump(what);
  }

  start() {
    return this.audio.play().catch((error) => {
      if (error.name !== "AbortError") this.say(this.figure.dataset.textFailed);
    });
  }

  /* Nothing is loaded before it is played: until then a place is only remembered. */
  seek(seconds, play = false) {
    const at = Math.min(Math.max(0, seconds), this.whole || seconds);
    if (this.audio.readyState === 0) this.wanted = at;
    else this.audio.currentTime = at;
    this.moved(true);
    if (play && this.audio.paused) this.audio.play().catch(() => {});
  }

  played(playing) {
    this.figure.classList.toggle("is-playing", playing);
    const button = this.figure.querySelector("[data-do=play]");
    button.setAttribute("aria-label", playing ? button.dataset.pause : button.dataset.play);
    for (const other of document.querySelectorAll(".is-current[data-row-of-keys]")) other.classList.remove("is-current");
    this.figure.closest("[data-row-of-keys]")?.classList.add("is-current");
    this.say("");
    if (playing) this.follow();
    else this.moved(true);
  }

  /* Words are shorter than the quarter of a second between two timeupdates. */
  follow() {
    this.words.mark(this.audio.currentTime);
    if (!this.audio.paused) window.requestAnimationFrame(() => this.follow());
  }

  moved(tell = false) {
    const at = this.now();
    if (this.skip.checked && !this.audio.paused) {
      const gap = this.quiet.find(([from, to]) => at >= from && at < to - SKIP_LEAD_S);
      if (gap) {
        this.audio.currentTime = Math.min(gap[1], this.whole);
        return;
      }
    }
    this.slider.value = String(at);
    this.figure.querySelector(".player__time").textContent = `${clock(at)} / ${clock(this.whole)}`;
    // A slider that has the focus would be read out at every change: while it plays it keeps its last words.
    if (tell || document.activeElement !== this.slider) {
      const text = fill(this.figure.dataset.textAt, { at: clock(at), whole: clock(this.whole) });
      this.slider.setAttribute("aria-valuetext", text);
    }
    if (this.audio.paused) this.words.mark(at || -1); // nothing is said before it begins
    this.picture?.here(at, this.whole);
    if (this.audio.readyState > 0 && !this.audio.ended)
      memory.set(this.keys.place, at > RESUME_AFTER_S && at < this.whole - STOP_SHORT_S ? at.toFixed(1) : null);
  }

  resume() {
    const at = Number(memory.get(this.keys.place));
    if (!(at > RESUME_AFTER_S && at < this.whole - STOP_SHORT_S)) return;
    this.wanted = at;
    this.moved(true);
    this.say(fill(this.figure.dataset.textResumed, { at: clock(at) }));
  }

  say(text) {
    this.says.textContent = text;
    this.says.hidden = !text;
  }

  async draw() {
    const answer = await fetch(this.figure.dataset.waveform).catch(() => null);
    if (!answer?.ok) return; // the slider does without a picture
    const { peaks, quiet, duration_s: whole } = await answer.json();
    this.quiet = quiet;
    this.whole = this.whole || whole;
    this.picture = new Picture(this.figure.querySelector(".player__wave"), peaks, quiet, whole);
    this.picture.here(this.now(), this.whole);
    const words = this.figure.querySelector(`#${this.figure.id}-quiet`);
    words.textContent = fill(words.dataset.text, { n: quiet.length });
  }
}

function setUp(root) {
  for (const figure of root.querySelectorAll?.("[data-player]") ?? [])
    if (!players.has(figure)) players.set(figure, new Player(figure));
  // A time in a transcript becomes a button; elsewhere whoever writes data-seek chose the element.
  for (const mark of root.querySelectorAll?.(".words span[data-seek]") ?? []) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = mark.className;
    button.dataset.seek = mark.dataset.seek;
    button.textContent = mark.textContent;
    button.setAttribute("aria-label", mark.dataset.seekSays);
    mark.replaceWith(button);
  }
}

/* The player that an element belongs to: the one it names, the one beside it, or the page's first. */
function playerOf(element) {
  const { recording } = element.dataset;
  const named = recording && document.querySelector(`[data-player][data-recording="${CSS.escape(recording)}"]`);
  const beside = element.closest(".entry, [data-row-of-keys]")?.querySelector("[data-player]");
  const figure = named || beside || document.querySelector("[data-player]");
  return figure && players.get(figure);
}

document.addEventListener("click", (event) => {
  const element = event.target.closest("[data-seek]");
  const player = element && playerOf(element);
  if (!player) return;
  event.preventDefault();
  player.seek(Number(element.dataset.seek), true);
});

document.addEventListener("htmx:load", (event) => setUp(event.detail.elt.parentElement ?? event.detail.elt));
setUp(document);

// One recording at a time.
document.addEventListener("play", (event) => {
  for (const audio of document.querySelectorAll("audio")) if (audio !== event.target) audio.pause();
}, true);
