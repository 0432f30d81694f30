// Tensors in files, as requests hold them: {dtype, shape, encoding: "base64", data}. Throws where a file is none of its
// kind.

import {sizeOf} from "./tensors.js";

/** Tensors by name; the one of a .csv or .npy file is called like the file. */
export function readTensors(name, buffer) {
  const bytes = new Uint8Array(buffer);
  if (/\.safetensors$/i.test(name)) return readSafetensors(bytes);
  const tensor = /\.npy$/i.test(name) ? readNPY(bytes) : readCSV(new TextDecoder().decode(bytes));
  return {[name.replace(/\.[^.]*$/, "")]: tensor};
}

/**
 * Numbers with tabs, semicolons or commas between them; a first line that holds none is a heading. One column or one
 * row is a vector.
 */
function readCSV(text) {
  const lines =
    text.replace(/^\ufeff/, "").split(/\r\n|\n|\r/).filter(line => line.trim() !== "" && !line.startsWith("#"));
  if (!lines.length) throw new Error("the file is empty");
  const separator = ["\t", ";", ","].find(mark => lines[0].includes(mark)) ?? /\s+/;
  const rows = lines.map(line => line.trim().split(separator).map(item => item.trim().replace(/^"(.*)"$/, "$1")));
  const isNumber = item => item !== "" && (!Number.isNaN(Number(item)) || item.toLowerCase() === "nan");
  if (!rows[0].some(isNumber) && rows.length > 1) rows.shift();
  const width = rows[0].length;
  rows.forEach((row, index) => {
    if (row.length !== width) throw new Error(`row ${index + 1} has ${row.length} columns, the first has ${width}`);
    const bad = row.find(item => !isNumber(item));
    if (bad !== undefined) throw new Error(`row ${index + 1}: "${bad}" is not a number`);
  });
  const shape = width === 1 || rows.length === 1 ? [rows.length * width] : [rows.length, width];
  return encoded("float64", shape, new Uint8Array(new Float64Array(rows.flat().map(Number)).buffer));
}

const NPY = {
  f8: "float64",
  f4: "float32",
  i8: "int64",
  i4: "int32",
  b1: "bool",
  f2: "half",
  i2: "int32",
  i1: "int32",
  u1: "int32",
  u2: "int32"
};
const READ = {
  half: (view, at, isLittle) => half(view.getUint16(at, isLittle)),
  i2: (view, at, isLittle) => view.getInt16(at, isLittle),
  i1: (view, at) => view.getInt8(at),
  u1: (view, at) => view.getUint8(at),
  u2: (view, at, isLittle) => view.getUint16(at, isLittle),
};

function readNPY(bytes) {
  if (String.fromCharCode(...bytes.subarray(1, 6)) !== "NUMPY") throw new Error("this is no .npy file");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const isFirstVersion = bytes[6] === 1;
  const start = isFirstVersion ? 10 : 12;
  const length = isFirstVersion ? view.getUint16(8, true) : view.getUint32(8, true);
  const header = new TextDecoder().decode(bytes.subarray(start, start + length));
  const descr = /'descr': '([<>|=]?)(\w\d)'/.exec(header);
  const shape =
    (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? "").split(",").map(size => size.trim()).filter(Boolean).map(Number);
  if (!descr || !NPY[descr[2]])
    throw new Error(`its dtype is not one of float16, float32, float64, integers or bool: ${header.slice(0, 60)}`);
  const width = Number(descr[2].slice(1));
  const count = sizeOf(shape);
  const data = bytes.slice(start + length, start + length + count * width);
  if (data.length !== count * width) throw new Error("the file is cut off");
  const isBig = descr[1] === ">";
  const ordered = /'fortran_order': True/.test(header) ? rowMajor(data, shape, width) : data;
  return standard(NPY[descr[2]], descr[2], shape, ordered, width, isBig);
}

const SAFETENSORS = {
  F64: ["float64", 8],
  F32: ["float32", 4],
  I64: ["int64", 8],
  I32: ["int32", 4],
  BOOL: ["bool", 1],
  F16: ["half", 2],
  BF16: ["bfloat", 2]
};

function readSafetensors(bytes) {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const tensors = {};
  for (const [name, {dtype, shape, data_offsets: [from, to]}] of Object.entries(header).filter(
         ([name]) => name !== "__metadata__")) {
    if (!SAFETENSORS[dtype]) throw new Error(`${name} has the dtype ${dtype}, which the server does not know`);
    const [kind, width] = SAFETENSORS[dtype];
    tensors[name] = standard(kind, kind, shape, bytes.slice(8 + length + from, 8 + length + to), width, false);
  }
  if (!Object.keys(tensors).length) throw new Error("it holds no tensors");
  return tensors;
}

/** Bytes in one of the server's dtypes, little-endian: small integers become int32, half floats float32. */
function standard(dtype, code, shape, bytes, width, isBig) {
  if (dtype === "bfloat") {
    const wide = new Uint8Array(bytes.length * 2);
    for (let at = 0; at < bytes.length; at += 2) wide.set(bytes.subarray(at, at + 2), at * 2 + 2);
    return encoded("float32", shape, wide);
  }
  const read = READ[dtype] ?? (width < 4 && READ[code]);
  if (read) {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const values = Array.from({length: bytes.length / width}, (_, index) => read(view, index * width, !isBig));
    const isHalf = dtype === "half";
    return encoded(isHalf ? "float32" : "int32", shape,
      new Uint8Array((isHalf ? new Float32Array(values) : new Int32Array(values)).buffer));
  }
  if (isBig)
    for (let at = 0; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse();
  return encoded(dtype, shape, bytes);
}

function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
}

/** Elements that were written column by column. */
function rowMajor(bytes, shape, width) {
  const out = new Uint8Array(bytes.length);
  const strides = shape.map((_, axis) => sizeOf(shape.slice(0, axis)));
  const count = sizeOf(shape);
  for (let position = 0; position < count; position++) {
    let rest = position, from = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += rest % shape[axis] * strides[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    out.set(bytes.subarray(from * width, (from + 1) * width), position * width);
  }
  return out;
}

function encoded(dtype, shape, bytes) {
  let text = "";
  // A call takes a limited number of arguments.
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return {dtype, shape, encoding: "base64", data: btoa(text)};
}
