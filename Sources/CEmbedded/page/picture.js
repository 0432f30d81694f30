// Tensors too large for a table: a heat map of a matrix, bars of a vector. Arrow keys read single elements.

import {el, setText} from "./dom.js";
import {extent, format} from "./numbers.js";
import {isDark} from "./theme.js";

const BAR_HEIGHT = 140;

export class Picture {
  constructor(name) {
    this.name = name;
    this.canvas = el("canvas", {role: "img", tabindex: "0", class: "picture"});
    this.readout = el("output", {class: "readout"});
    this.node = el("figure", {class: "picture-figure"}, this.canvas, el("figcaption", {}, this.readout));
    this.canvas.addEventListener("pointermove", event => this.#point(event));
    this.canvas.addEventListener("pointerleave", () => this.#tell(null));
    this.canvas.addEventListener("keydown", event => this.#walk(event));
    new ResizeObserver(() => this.#draw()).observe(this.node);
  }

  /** `rows` by `columns` values in row-major order; one row is shown as bars. */
  update(values, rows, columns) {
    Object.assign(this, {values, rows, columns});
    [this.low, this.high] = extent(values);
    const shape = rows === 1 ? `${columns} elements` : `${rows} by ${columns}`;
    this.canvas.setAttribute("aria-label",
      `${this.name}: ${rows === 1 ? "bars" : "heat map"} of ${shape}, from ${format(this.low)} to ${
        format(this.high)}. Arrow keys read elements.`);
    this.#tell(this.cursor ?? null);
    this.#draw();
  }

  #draw() {
    const width = this.node.clientWidth;
    if (!width || !this.values) return;
    const height =
      this.rows === 1 ? BAR_HEIGHT : Math.round(Math.min(Math.max(width * this.rows / this.columns, 40), width, 420));
    const scale = devicePixelRatio;
    Object.assign(this.canvas, {width: Math.round(width * scale), height: Math.round(height * scale)});
    this.canvas.style.height = `${height}px`;
    if (this.rows === 1) this.#drawBars();
    else this.#drawCells();
  }

  #drawCells() {
    const image = new ImageData(this.columns, this.rows);
    const paint = palette(Math.max(Math.abs(this.low), Math.abs(this.high)));
    this.values.forEach((value, index) => image.data.set(paint(value), index * 4));
    const small = el("canvas", {width: this.columns, height: this.rows});
    small.getContext("2d").putImageData(image, 0, 0);
    const context = this.canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, this.canvas.width, this.canvas.height);
  }

  /** Where there are more bars than pixels, a pixel shows the range of its bars. */
  #drawBars() {
    const {width, height} = this.canvas;
    const context = this.canvas.getContext("2d");
    const low = Math.min(this.low, 0), high = Math.max(this.high, 0);
    const y = value => (high - value) / (high - low || 1) * (height - 2) + 1;
    const [negative, positive] = colours();
    const bars = Math.min(this.columns, width);
    const gap = width / bars > 4 ? 1 : 0;
    for (let bar = 0; bar < bars; bar++) {
      const part = this.values.slice(Math.floor(bar * this.columns / bars),
        Math.max(Math.floor((bar + 1) * this.columns / bars), Math.floor(bar * this.columns / bars) + 1));
      const [from, to] = [Math.min(0, ...part.filter(Number.isFinite)), Math.max(0, ...part.filter(Number.isFinite))];
      for (const [value, colour] of [[from, negative], [to, positive]]) {
        context.fillStyle = `rgb(${colour.join(" ")})`;
        const top = Math.min(y(value), y(0));
        if (value !== 0)
          context.fillRect(bar * width / bars, top, width / bars - gap, Math.max(Math.abs(y(value) - y(0)), 1));
      }
    }
    context.fillStyle = isDark() ? "#9aa4b2" : "#6b7280";
    context.fillRect(0, y(0), width, 1);
  }

  #point(event) {
    const box = this.canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left) / box.width * this.columns);
    const row = Math.floor((event.clientY - box.top) / box.height * this.rows);
    this.#tell([Math.min(Math.max(row, 0), this.rows - 1), Math.min(Math.max(column, 0), this.columns - 1)]);
  }

  #walk(event) {
    const step = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]}[event.key];
    if (!step) return;
    event.preventDefault();
    const [row, column] = this.cursor ?? [-step[0], -step[1]];
    this.#tell(
      [Math.min(Math.max(row + step[0], 0), this.rows - 1), Math.min(Math.max(column + step[1], 0), this.columns - 1)]);
  }

  #tell(cursor) {
    this.cursor = cursor && cursor[0] < this.rows && cursor[1] < this.columns ? cursor : null;
    const [row, column] = this.cursor ?? [];
    setText(this.readout,
      this.cursor === null ?
        `${format(this.low, 4)} to ${format(this.high, 4)}` :
        `[${this.rows === 1 ? column : `${row}, ${column}`}]  ${format(this.values[row * this.columns + column])}`);
  }
}

/** Negative and positive. */
const colours = () => isDark() ? [[94, 162, 239], [240, 148, 84]] : [[37, 99, 190], [194, 84, 24]];

/** From the negative colour over the paper's to the positive one; what is not finite is grey. */
function palette(most) {
  const [negative, positive] = colours();
  const paper = isDark() ? [24, 27, 33] : [255, 255, 255];
  return value => {
    if (!Number.isFinite(value)) return [128, 128, 128, 255];
    const share = most ? Math.sqrt(Math.abs(value) / most) : 0;
    const end = value < 0 ? negative : positive;
    return [0, 1, 2].map(part => Math.round(paper[part] + (end[part] - paper[part]) * share)).concat(255);
  };
}
