// Tensors as answers hold them: {dtype, shape, data}, with nested data.

import {asNumber} from "./numbers.js";

export const sizeOf = shape => shape.reduce((product, size) => product * size, 1);

/** The elements in row-major order, as numbers. */
export function flat(data) {
  if (!Array.isArray(data)) return [asNumber(data)];
  const out = [];
  const stack = [[data, 0]];
  while (stack.length) {
    const top = stack[stack.length - 1];
    if (top[1] === top[0].length) {
      stack.pop();
      continue;
    }
    const item = top[0][top[1]++];
    if (Array.isArray(item)) stack.push([item, 0]);
    else out.push(asNumber(item));
  }
  return out;
}

/** The shape of nested lists, by their first elements; null if a list holds lists of other sizes. */
export function shapeOf(data) {
  const shape = [];
  for (let level = [data]; Array.isArray(level[0]); level = level.flat()) {
    const size = level[0].length;
    if (!level.every(item => Array.isArray(item) && item.length === size)) return null;
    shape.push(size);
    if (size === 0) break;
  }
  return shape;
}

/** `[2, 3]`, as the server writes shapes. */
export const shapeText = shape => `[${shape.join(", ")}]`;

/** `float64 [2, 3]`; a number has no brackets. */
export const typeText = type => type.shape.length ? `${type.dtype} ${shapeText(type.shape)}` : type.dtype;

/** `[0, 2]` of an element's position in row-major order. */
export function indexOf(position, shape) {
  const index = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index.unshift(position % shape[axis]);
    position = Math.floor(position / shape[axis]);
  }
  return index;
}
