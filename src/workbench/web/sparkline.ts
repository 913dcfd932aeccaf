/** The last minute of a rate as a small line. Drawn as SVG from numbers alone. */
const points = 60;
const widthPx = 96;
const heightPx = 22;
const svg = "http://www.w3.org/2000/svg";
const everyMs = 1000;

export class Sparkline {
  readonly node = document.createElementNS(svg, "svg");
  readonly #line = document.createElementNS(svg, "polyline");
  readonly #values: number[] = [];
  #addedAtMs = Number.NEGATIVE_INFINITY;

  constructor() {
    this.node.setAttribute("class", "tt-sparkline");
    this.node.setAttribute("viewBox", `0 0 ${widthPx} ${heightPx}`);
    this.node.setAttribute("width", String(widthPx));
    this.node.setAttribute("height", String(heightPx));
    this.node.setAttribute("role", "img");
    this.#line.setAttribute("fill", "none");
    this.#line.setAttribute("stroke", "currentColor");
    this.#line.setAttribute("stroke-width", "1.5");
    this.node.append(this.#line);
  }

  add(value: number): void {
    const now = performance.now();
    // Several updates within a second are one point.
    if (now - this.#addedAtMs < everyMs * 0.8) this.#values.pop();
    else this.#addedAtMs = now;
    this.#values.push(value);
    if (this.#values.length > points) this.#values.shift();
    const highest = Math.max(1, ...this.#values);
    const place = (one: number, index: number) => {
      const x = widthPx - (this.#values.length - 1 - index) * (widthPx / (points - 1));
      return `${x.toFixed(1)},${(heightPx - 2 - (one / highest) * (heightPx - 4)).toFixed(1)}`;
    };
    this.#line.setAttribute("points", this.#values.map(place).join(" "));
  }
}
