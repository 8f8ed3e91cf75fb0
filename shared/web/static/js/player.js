/* Ties a recording to its transcript: a word seeks the audio, the audio marks the word it is at. */
function setUp(player) {
  if (player.dataset.ready) return;
  player.dataset.ready = "1";
  const audio = player.querySelector("audio");
  const speed = player.querySelector(".player__speed");
  speed.hidden = false;
  speed.addEventListener("click", (event) => {
    const button = event.target.closest("[data-rate]");
    if (!button) return;
    audio.playbackRate = Number(button.dataset.rate);
    for (const other of speed.querySelectorAll("[data-rate]"))
      other.setAttribute("aria-pressed", String(other === button));
  });

  const place = player.dataset.words && document.getElementById(player.dataset.words);
  if (!place) return;
  const words = [...place.querySelectorAll("[data-start]")];
  const starts = words.map((word) => Number(word.dataset.start));
  let current = null;

  place.addEventListener("click", (event) => {
    const word = event.target.closest("[data-start]");
    if (!word || !window.getSelection()?.isCollapsed) return;
    audio.currentTime = Number(word.dataset.start);
    audio.play();
  });

  audio.addEventListener("timeupdate", () => {
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle] <= audio.currentTime) low = middle + 1;
      else high = middle;
    }
    const word = low > 0 && audio.currentTime <= Number(words[low - 1].dataset.end) + 0.4 ? words[low - 1] : null;
    if (word === current) return;
    current?.classList.remove("is-said");
    current = word;
    current?.classList.add("is-said");
  });

  // One tab stop for the whole transcript; the arrows walk through its words.
  place.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const index = words.indexOf(document.activeElement);
    if (!step || index < 0) return;
    event.preventDefault();
    const next = words[index + step];
    if (!next) return;
    words[index].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
  words.forEach((word, index) => {
    word.tabIndex = index === 0 ? 0 : -1;
  });
}

const all = (root) => root.querySelectorAll?.("[data-player]").forEach(setUp);
document.addEventListener("htmx:load", (event) => all(event.detail.elt));
all(document);

// One recording at a time.
document.addEventListener("play", (event) => {
  for (const audio of document.querySelectorAll("audio")) if (audio !== event.target) audio.pause();
}, true);
