/* The words of a transcript: the one that is said is marked, a chosen one is played. To a screen reader they are text;
   only the word under the cursor is a button, which the arrows move. */
export class Words {
  constructor(place, player) {
    this.player = player;
    this.place = place;
    this.words = place ? [...place.querySelectorAll("[data-start]")] : [];
    this.starts = this.words.map((word) => Number(word.dataset.start));
    const segments = place ? [...place.querySelectorAll("[data-segment]")] : [];
    this.segments = segments.map((each) => Number(each.dataset.segment));
    this.current = null;
    if (!this.words.length) return;
    place.classList.add("is-live");
    for (const hint of place.parentElement.querySelectorAll("[data-live-hint]")) hint.hidden = false;
    this.cursor(0);
    place.addEventListener("click", (event) => {
      const word = event.target.closest("[data-start]");
      if (word && window.getSelection()?.isCollapsed !== false) this.play(word);
    });
    place.addEventListener("keydown", (event) => {
      const at = this.words.indexOf(document.activeElement);
      if (at < 0) return;
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const end = { Home: 0, End: this.words.length - 1 }[event.key];
      if (step || end !== undefined) {
        const next = end ?? Math.min(this.words.length - 1, Math.max(0, at + step));
        this.cursor(next);
        this.words[next].focus();
      } else if (event.key === "Enter" || event.key === " ") this.play(this.words[at]);
      else return;
      event.preventDefault();
    });
  }

  cursor(index) {
    for (const word of this.place.querySelectorAll(".word[tabindex]")) {
      word.removeAttribute("tabindex");
      word.removeAttribute("role");
    }
    this.words[index].tabIndex = 0;
    this.words[index].setAttribute("role", "button");
  }

  play(word) {
    this.player.seek(Number(word.dataset.start), true);
  }

  /* Of sorted starts: how many are not later. */
  static before(starts, at) {
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle] <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  mark(at) {
    const index = Words.before(this.starts, at + 0.02) - 1;
    const word = index >= 0 && at <= Number(this.words[index].dataset.end) + 0.4 ? this.words[index] : null;
    if (word === this.current) return;
    this.current?.classList.remove("is-said");
    this.current = word;
    word?.classList.add("is-said");
  }

  /* Back is the beginning of the word or sentence that is being said, unless it has just begun: then the one before. */
  jump(what) {
    const starts = what.startsWith("segment") ? this.segments : this.starts;
    if (!starts.length) return this.player.seek(this.player.now() + (what.endsWith("on") ? 5 : -5));
    const at = this.player.now();
    const index = what.endsWith("on")
      ? Words.before(starts, at + 0.05)
      : Words.before(starts, at - (what.startsWith("segment") ? 1 : 0.15)) - 1;
    if (index >= starts.length) return undefined;
    return this.player.seek(starts[Math.max(0, index)]);
  }
}
