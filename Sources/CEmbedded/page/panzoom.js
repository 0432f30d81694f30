// Moves and scales a drawing by its viewBox: drag, wheel, two fingers, or keys.

const LEAST = 0.05, MOST = 4;

export class PanZoom {
  #pointers = new Map();
  isFitted = true;

  /** `drawing` is an SVG element; `size` the size of what it shows. */
  constructor(drawing, {width, height}) {
    Object.assign(this, {drawing, width, height});
    drawing.addEventListener("pointerdown", event => {
      this.#pointers.set(event.pointerId, event);
      drawing.setPointerCapture(event.pointerId);
    });
    for (const end of ["pointerup", "pointercancel"])
      drawing.addEventListener(end, event => this.#pointers.delete(event.pointerId));
    drawing.addEventListener("pointermove", event => this.#moved(event));
    drawing.addEventListener("wheel", event => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * 0.0015), event.clientX, event.clientY);
    }, {passive: false});
    drawing.addEventListener("keydown", event => this.#key(event));
    new ResizeObserver(() => this.isFitted ? this.fit() : this.#apply()).observe(drawing);
    this.fit();
  }

  /** All of it, though never larger than life. */
  fit() {
    const {clientWidth: width, clientHeight: height} = this.drawing;
    if (!width || !height) return;
    this.scale = Math.min(1, (width - 24) / this.width, (height - 24) / this.height);
    this.x = this.width / 2;
    this.y = this.height / 2;
    this.isFitted = true;
    this.#apply();
  }

  /** Keeps the point under the pointer where it is; without one, the middle. */
  zoom(factor, clientX, clientY) {
    const box = this.drawing.getBoundingClientRect();
    const [dx, dy] =
      clientX === undefined ? [0, 0] : [clientX - box.left - box.width / 2, clientY - box.top - box.height / 2];
    const scale = Math.min(Math.max(this.scale * factor, LEAST), MOST);
    this.x += dx / this.scale - dx / scale;
    this.y += dy / this.scale - dy / scale;
    this.scale = scale;
    this.isFitted = false;
    this.#apply();
  }

  pan(dx, dy) {
    this.x -= dx / this.scale;
    this.y -= dy / this.scale;
    this.isFitted = false;
    this.#apply();
  }

  #moved(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    this.#pointers.set(event.pointerId, event);
    const others = [...this.#pointers.values()].filter(other => other.pointerId !== event.pointerId);
    if (!others.length) return this.pan(event.clientX - before.clientX, event.clientY - before.clientY);
    const distance = one => Math.hypot(one.clientX - others[0].clientX, one.clientY - others[0].clientY) || 1;
    this.zoom(distance(event) / distance(before), (event.clientX + others[0].clientX) / 2,
      (event.clientY + others[0].clientY) / 2);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const action = {
      ArrowLeft: () => this.pan(40, 0),
      ArrowRight: () => this.pan(-40, 0),
      ArrowUp: () => this.pan(0, 40),
      ArrowDown: () => this.pan(0, -40),
      "+": () => this.zoom(1.25),
      "=": () => this.zoom(1.25),
      "-": () => this.zoom(0.8),
      "0": () => this.fit(),
    }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  #apply() {
    const {clientWidth: width, clientHeight: height} = this.drawing;
    if (!width || !this.scale) return;
    const [w, h] = [width / this.scale, height / this.scale];
    this.drawing.setAttribute("viewBox", `${this.x - w / 2} ${this.y - h / 2} ${w} ${h}`);
  }
}
