/* What is loud where: bars around the middle, heard ones in the accent's colour; silence as a dotted foot. */
export class Picture {
  constructor(svg, peaks, quiet, whole) {
    this.svg = svg;
    const width = Math.max(1, peaks.length);
    svg.setAttribute("viewBox", `0 0 ${width} 100`);
    const bars = peaks.map((peak, x) => `M${x + 0.5} ${50 - peak * 0.17 - 0.5}V${50 + peak * 0.17 + 0.5}`);
    this.bars = bars;
    this.rest = this.add("path", "wave", { d: bars.join("") });
    this.heard = this.add("path", "wave wave--heard", { d: "" });
    for (const [from, to] of quiet)
      this.add("line", "quiet", { x1: (from / whole) * width, x2: (to / whole) * width, y1: 94, y2: 94 });
    this.line = this.add("line", "here", { y1: 2, y2: 98 });
  }

  add(name, kind, values) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    element.setAttribute("class", kind);
    for (const [key, value] of Object.entries(values)) element.setAttribute(key, value);
    this.svg.append(element);
    return element;
  }

  here(at, whole) {
    const x = whole ? (at / whole) * this.bars.length : 0;
    this.heard.setAttribute("d", this.bars.slice(0, Math.round(x)).join(""));
    for (const end of ["x1", "x2"]) this.line.setAttribute(end, x);
  }
}
