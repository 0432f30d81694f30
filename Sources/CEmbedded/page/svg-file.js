// A drawing as a file of its own: the page's styles are written into its elements.

import {download} from "./dom.js";

const STYLES = [
  "fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "font-family", "font-size", "font-weight",
  "text-anchor"
];

/** `box` is what of the drawing the file shows: x, y, width and height. */
export function saveDrawing(drawing, name, box) {
  const copy = drawing.cloneNode(true);
  const pairs = [[drawing, copy]];
  while (pairs.length) {
    const [from, to] = pairs.pop();
    const style = getComputedStyle(from);
    for (const property of STYLES) {
      const value = style.getPropertyValue(property);
      if (value && value !== "none" || property === "fill") to.setAttribute(property, value);
    }
    for (const attribute of ["class", "tabindex"]) to.removeAttribute(attribute);
    [...from.children].forEach((child, index) => pairs.push([child, to.children[index]]));
  }
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("viewBox", box.join(" "));
  copy.setAttribute("width", Math.round(box[2]));
  copy.setAttribute("height", Math.round(box[3]));
  download(name, new XMLSerializer().serializeToString(copy), "image/svg+xml");
}
