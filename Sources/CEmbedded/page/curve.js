// A value over one input, and its derivative below, with the tangent where the input stands now.

import {frame, line, path} from "./axes.js";
import {svg} from "./dom.js";
import {format, roundedExtent} from "./numbers.js";

export function drawCurve({x, of, points, values, slopes, width, here, xRange, tell, choose}) {
  const xs = points.map(([value]) => value);
  const [upper, lower] =
    [Math.round(Math.min(Math.max(width * 0.42, 180), 270)), Math.round(Math.min(Math.max(width * 0.32, 150), 210))];
  const value = frame({
    width,
    height: upper,
    x: xRange,
    y: roundedExtent(bounded(values)),
    xLabel: "",
    yLabel: of,
    label: `${of} over ${x}`
  });
  const slope = frame({
    width,
    height: lower,
    x: xRange,
    y: roundedExtent(bounded(slopes[0])),
    xLabel: x,
    yLabel: `∂${of}/∂${x}`,
    label: `Derivative of ${of} by ${x}`
  });
  value.marks.append(svg("path", {class: "curve series-0", d: path(xs, values, value.x, value.y)}));
  slope.marks.append(svg("path", {class: "curve series-1", d: path(xs, slopes[0], slope.x, slope.y)}));
  const at = nearest(xs, here[0]);
  if (here[0] >= xRange[0] && here[0] <= xRange[1]) mark(value, slope, xs, values, slopes[0], at);
  const crosses = [value, slope].map(chart => {
    const cross = svg("path", {class: "cross"});
    chart.marks.append(cross);
    return cross;
  });
  let cursor = at;
  const show = index => {
    cursor = Math.min(Math.max(index, 0), xs.length - 1);
    [value, slope].forEach((chart, index) => crosses[index].setAttribute(
                             "d", `M${chart.x(xs[cursor])} ${chart.inner.top}V${chart.inner.bottom}`));
    tell(`${x} ${format(xs[cursor], 5)}    ${of} ${format(values[cursor])}    ∂ ${format(slopes[0][cursor])}`);
  };
  const indexAt = event => nearest(
    xs, value.xAt((event.clientX - node.getBoundingClientRect().left) * width / node.getBoundingClientRect().width));
  const node = svg("svg", {
    class: "chart plot-surface",
    width,
    height: upper + lower,
    viewBox: `0 0 ${width} ${upper + lower}`,
    tabindex: "0",
    role: "img",
    "aria-label": `${of} over ${x} from ${format(xRange[0])} to ${
      format(xRange[1])}, with its derivative. Arrow keys read values, Enter takes one for ${x}.`,
    onpointermove: event => show(indexAt(event)),
    onpointerleave: () => {
      crosses.forEach(cross => cross.removeAttribute("d"));
      tell(`${of} ${format(values[at])} and ∂ ${format(slopes[0][at])} at ${x} ${format(xs[at], 5)}`);
    },
    onclick: event => choose([xs[indexAt(event)]]),
    onkeydown: event => {
      const step = {ArrowLeft: -1, ArrowRight: 1, PageUp: 20, PageDown: -20, Enter: 0}[event.key];
      if (step === undefined || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      if (step === 0) choose([xs[cursor]]);
      else show(cursor + step);
    },
  },
    layer(value, 0), layer(slope, upper));
  tell(`${of} ${format(values[at])} and ∂ ${format(slopes[0][at])} at ${x} ${format(xs[at], 5)}`);
  return [node];
}

/** One drawing holds both charts, so that they can be saved as one. */
function layer(chart, y) { return svg("g", {transform: `translate(0 ${y})`}, ...chart.node.childNodes); }

/** A pole would flatten everything else: what lies far beyond most values is cut off. */
function bounded(values) {
  const finite = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (finite.length < 20) return finite;
  const [low, high] = [finite[Math.floor(finite.length * 0.03)], finite[Math.ceil(finite.length * 0.97) - 1]];
  const reach = 12 * (high - low);
  return reach > 0 ? finite.filter(value => value >= low - reach && value <= high + reach) : finite;
}

function mark(value, slope, xs, values, slopes, at) {
  const [px, py] = [value.x(xs[at]), value.y(values[at])];
  if (!Number.isFinite(py)) return;
  const reach = (xs.at(-1) - xs[0]) * 0.16;
  const rise = slopes[at] * reach;
  const tangent =
    line(value.x(xs[at] - reach), value.y(values[at] - rise), value.x(xs[at] + reach), value.y(values[at] + rise));
  tangent.setAttribute("class", "tangent");
  if (Number.isFinite(rise)) value.marks.append(tangent);
  value.marks.append(svg("circle", {class: "here", cx: px, cy: py, r: 4.5}));
  if (Number.isFinite(slopes[at]))
    slope.marks.append(svg("circle", {class: "here", cx: slope.x(xs[at]), cy: slope.y(slopes[at]), r: 4.5}));
}

function nearest(xs, value) {
  const step = (xs.at(-1) - xs[0]) / (xs.length - 1);
  return Math.min(Math.max(Math.round((value - xs[0]) / step), 0), xs.length - 1);
}
