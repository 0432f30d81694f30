// The frame of a chart: scales, grid, ticks and labels.

import {svg} from "./dom.js";
import {format, ticks} from "./numbers.js";

const MARGIN = {
  top: 12,
  right: 14,
  bottom: 36,
  left: 56
};

/** A drawing with scales `x`, `y`, their inverses `xAt`, `yAt`, and a layer `marks` to draw in. */
export function frame({width, height, x: [x0, x1], y: [y0, y1], xLabel, yLabel, label}) {
  const inner = {left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom};
  const x = value => inner.left + (value - x0) / (x1 - x0) * (inner.right - inner.left);
  const y = value => inner.bottom - (value - y0) / (y1 - y0) * (inner.bottom - inner.top);
  const clip = `clip-${frame.count = (frame.count ?? 0) + 1}`;
  const marks = svg("g", {"clip-path": `url(#${clip})`});
  const grid = svg("g", {class: "grid"});
  const texts = svg("g", {class: "axis"});
  for (const value of ticks(x0, x1, Math.max(2, Math.floor(width / 90)))) {
    grid.append(line(x(value), inner.top, x(value), inner.bottom));
    texts.append(svg("text", {x: x(value), y: inner.bottom + 15, "text-anchor": "middle"}, format(value, 4)));
  }
  for (const value of ticks(y0, y1, Math.max(2, Math.floor(height / 50)))) {
    grid.append(line(inner.left, y(value), inner.right, y(value)));
    texts.append(svg("text", {x: inner.left - 7, y: y(value) + 4, "text-anchor": "end"}, format(value, 4)));
  }
  if (y0 < 0 && y1 > 0) grid.append(svg("path", {class: "zero", d: `M${inner.left} ${y(0)}H${inner.right}`}));
  texts.append(svg(
    "text", {class: "axis-name", x: (inner.left + inner.right) / 2, y: height - 5, "text-anchor": "middle"}, xLabel));
  if (yLabel) {
    const middle = (inner.top + inner.bottom) / 2;
    texts.append(svg("text",
      {class: "axis-name", x: 12, y: middle, "text-anchor": "middle", transform: `rotate(-90 12 ${middle})`}, yLabel));
  }
  const node =
    svg("svg", {class: "chart", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label},
      svg("clipPath", {id: clip},
        svg("rect", {x: inner.left, y: inner.top, width: inner.right - inner.left, height: inner.bottom - inner.top})),
      grid, texts, marks);
  const xAt = place => x0 + (place - inner.left) / (inner.right - inner.left) * (x1 - x0);
  const yAt = place => y0 + (inner.bottom - place) / (inner.bottom - inner.top) * (y1 - y0);
  return {node, marks, inner, x, y, xAt, yAt};
}

export const line = (x1, y1, x2, y2) => svg("line", {x1, y1, x2, y2});

/** A path through points; a value that is not finite breaks it. */
export function path(xs, ys, x, y) {
  let text = "", isOpen = false;
  xs.forEach((value, index) => {
    const isFinite = Number.isFinite(value) && Number.isFinite(ys[index]);
    if (isFinite) text += `${isOpen ? "L" : "M"}${x(value).toFixed(2)} ${y(ys[index]).toFixed(2)}`;
    isOpen = isFinite;
  });
  return text;
}
