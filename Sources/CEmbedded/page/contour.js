// A value over two inputs: lines of equal value, and arrows along the gradient.

import {frame} from "./axes.js";
import {svg} from "./dom.js";
import {format} from "./numbers.js";
import {isDark} from "./theme.js";

const LEVELS = 14, ARROWS = 13;

/** `values` lie on a grid of `size` by `size` points, the first input running fastest. */
export function drawContours({x, y, of, values, slopes, width, here, xRange, yRange, tell, choose}, size) {
  const height = Math.round(Math.min(Math.max(width * 0.75, 260), 470));
  const chart =
    frame({width, height, x: xRange, y: yRange, xLabel: x, yLabel: y, label: `Contours of ${of} over ${x} and ${y}`});
  const place = (column, row) => [chart.x(xRange[0] + (xRange[1] - xRange[0]) * column / (size - 1)),
    chart.y(yRange[0] + (yRange[1] - yRange[0]) * row / (size - 1)),
  ];
  levelsOf(values).forEach((level, index, all) => chart.marks.append(svg("path", {
    class: "contour",
    stroke: colour(all.length < 2 ? 0 : index / (all.length - 1)),
    d: contour(values, size, level, place)
  })));
  chart.marks.append(...arrows(slopes, size, place, chart, xRange, yRange));
  const marker = svg("circle", {class: "here", cx: chart.x(here[0]), cy: chart.y(here[1]), r: 5});
  const cross = svg("circle", {class: "cross", r: 6, fill: "none", cx: -99, cy: -99});
  chart.marks.append(marker, cross);
  const cursor = gridPoint(here, xRange, yRange, size);
  const say = ([column, row]) => {
    const at = row * size + column,
          value = [column, row].map((step, axis) => [xRange, yRange][axis][0] +
              ([xRange, yRange][axis][1] - [xRange, yRange][axis][0]) * step / (size - 1));
    tell(`${x} ${format(value[0], 4)}    ${y} ${format(value[1], 4)}    ${of} ${format(values[at])}    ∂ (${
      format(slopes[0][at], 4)}, ${format(slopes[1][at], 4)})`);
    return value;
  };
  const valuesAt = event => {
    const box = chart.node.getBoundingClientRect();
    const point = [
      chart.xAt((event.clientX - box.left) * width / box.width),
      chart.yAt((event.clientY - box.top) * height / box.height)
    ];
    return point.map((value, axis) => Math.min(Math.max(value, [xRange, yRange][axis][0]), [xRange, yRange][axis][1]));
  };
  const node = chart.node;
  node.setAttribute("class", "chart plot-surface");
  node.setAttribute("tabindex", "0");
  node.setAttribute("aria-label", `Contours of ${of} over ${x} and ${y}. Arrow keys read values, Enter takes a point.`);
  node.addEventListener("pointermove", event => say(gridPoint(valuesAt(event), xRange, yRange, size)));
  node.addEventListener("pointerleave", () => say(gridPoint(here, xRange, yRange, size)));
  node.addEventListener("click", event => choose(valuesAt(event)));
  node.addEventListener("keydown", event => {
    const step = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1], Enter: [0,
                    0]}[event.key];
    if (!step || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    step.forEach((move, axis) => {
      cursor[axis] = Math.min(Math.max(cursor[axis] + move, 0), size - 1);
    });
    const value = say(cursor);
    cross.setAttribute("cx", chart.x(value[0]));
    cross.setAttribute("cy", chart.y(value[1]));
    if (event.key === "Enter") choose(value);
  });
  say(cursor);
  return [node];
}

function gridPoint(values, xRange, yRange, size) {
  return [xRange, yRange].map(([low, high], axis) => Math.min(
                                Math.max(Math.round((values[axis] - low) / (high - low) * (size - 1)), 0), size - 1));
}

/** Levels with as many points between any two: a valley shows as well as its walls. */
function levelsOf(values) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const levels = Array.from({length: LEVELS}, (_, index) => sorted[Math.floor((index + 0.5) / LEVELS * sorted.length)]);
  return [...new Set(levels)].filter(level => level !== undefined && level > sorted[0]);
}

/** Where the level crosses the cells' sides, by linear interpolation; a saddle is decided by the cell's mean. */
function contour(values, size, level, place) {
  let text = "";
  for (let row = 0; row + 1 < size; row++) {
    for (let column = 0; column + 1 < size; column++) {
      const corners = [[column, row], [column + 1, row], [column + 1, row + 1], [column, row + 1]];
      const heights = corners.map(([c, r]) => values[r * size + c] - level);
      if (!heights.every(Number.isFinite)) continue;
      const crossings = [];
      for (let side = 0; side < 4; side++) {
        const [a, b] = [heights[side], heights[(side + 1) % 4]];
        if (a > 0 === b > 0) continue;
        const [from, to] = [corners[side], corners[(side + 1) % 4]];
        const share = a / (a - b);
        crossings.push(place(from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share));
      }
      if (crossings.length === 4 && heights[0] > 0 !== heights.reduce((sum, value) => sum + value, 0) > 0)
        crossings.push(crossings.shift());
      for (let pair = 0; pair + 1 < crossings.length; pair += 2) {
        text += `M${crossings[pair].map(part => part.toFixed(1)).join(" ")}L${
          crossings[pair + 1].map(part => part.toFixed(1)).join(" ")}`;
      }
    }
  }
  return text;
}

/**
 * Arrows point where the value rises; their lengths grow slowly with the gradient, else only the steepest would show.
 */
function arrows(slopes, size, place, chart, xRange, yRange) {
  const step = Math.max(1, Math.round((size - 1) / (ARROWS - 1)));
  const unitX = (chart.inner.right - chart.inner.left) / (xRange[1] - xRange[0]),
        unitY = (chart.inner.bottom - chart.inner.top) / (yRange[1] - yRange[0]);
  const found = [];
  for (let row = step; row < size - 1; row += step) {
    for (let column = step; column < size - 1; column += step) {
      const at = row * size + column;
      // In steps of the drawing: the direction that a person sees as steepest on equal scales.
      const [dx, dy] = [slopes[0][at] / unitX, -slopes[1][at] / unitY];
      const length = Math.hypot(dx, dy);
      if (Number.isFinite(length) && length > 0)
        found.push({at: place(column, row), dx: dx / length, dy: dy / length, length});
    }
  }
  const most = Math.max(...found.map(arrow => arrow.length));
  const longest = (chart.inner.right - chart.inner.left) / ARROWS * 0.75;
  return found.map(({at: [x, y], dx, dy, length}) => {
    const reach = Math.max(longest * (length / most) ** 0.3, 5);
    const [tipX, tipY] = [x + dx * reach, y + dy * reach];
    const wing = (side, back) =>
      `${(tipX - dx * back + dy * side * 2.2).toFixed(1)} ${(tipY - dy * back - dx * side * 2.2).toFixed(1)}`;
    return svg("path", {
      class: "arrow",
      d: `M${x.toFixed(1)} ${y.toFixed(1)}L${tipX.toFixed(1)} ${tipY.toFixed(1)}M${wing(1, 4)}L${tipX.toFixed(1)} ${
        tipY.toFixed(1)}L${wing(-1, 4)}`
    });
  });
}

/** From blue for low values to orange for high ones. */
function colour(share) {
  const [low, middle, high] =
    isDark() ? [[94, 162, 239], [150, 160, 175], [240, 148, 84]] : [[31, 95, 174], [120, 130, 145], [194, 84, 26]];
  const [from, to, part] = share < 0.5 ? [low, middle, share * 2] : [middle, high, share * 2 - 1];
  return `rgb(${from.map((value, index) => Math.round(value + (to[index] - value) * part)).join(" ")})`;
}
