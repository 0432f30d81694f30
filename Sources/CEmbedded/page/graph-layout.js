// Places boxes in layers, from what is given to what comes out: layers by longest paths, order by barycentres,
// positions by least squares.

const GAP_X = 26, GAP_Y = 46, SWEEPS = 10;

/** `boxes` have id, width and height; answers their centres, the points of each arrow and the size of all. */
export function layout(boxes, arrows) {
  if (!boxes.length) return {centres: new Map(), paths: [], width: 0, height: 0};
  const layerOf = layersOf(boxes, arrows);
  const items = new Map(boxes.map(box => [box.id, {...box, layer: layerOf.get(box.id), above: [], below: []}]));
  const chains = arrows.map(arrow => chain(arrow, items));
  const layers = [];
  for (const item of items.values()) (layers[item.layer] ??= []).push(item);
  order(layers);
  place(layers);
  return measured(layers, items, chains);
}

/** The length of the longest path to each box; what is only given moves down to where it is first used. */
function layersOf(boxes, arrows) {
  const incoming = new Map(boxes.map(box => [box.id, 0]));
  const outgoing = new Map(boxes.map(box => [box.id, []]));
  for (const {from, to} of arrows) {
    incoming.set(to, incoming.get(to) + 1);
    outgoing.get(from).push(to);
  }
  const layers = new Map(boxes.map(box => [box.id, 0]));
  const isGiven = new Map([...incoming].map(([id, count]) => [id, count === 0]));
  const ready = boxes.filter(box => incoming.get(box.id) === 0).map(box => box.id);
  for (let at = 0; at < ready.length; at++) {
    for (const to of outgoing.get(ready[at])) {
      layers.set(to, Math.max(layers.get(to), layers.get(ready[at]) + 1));
      incoming.set(to, incoming.get(to) - 1);
      if (incoming.get(to) === 0) ready.push(to);
    }
  }
  for (const id of ready) {
    const uses = outgoing.get(id);
    if (isGiven.get(id) && uses.length) layers.set(id, Math.min(...uses.map(to => layers.get(to))) - 1);
  }
  return layers;
}

/** An arrow through several layers gets a place in each of them, so that it goes round the boxes there. */
function chain({from, to}, items) {
  const path = [items.get(from)];
  for (let layer = path[0].layer + 1; layer < items.get(to).layer; layer++) {
    const id = `${from}>${to}@${layer}`;
    const item = items.get(id) ?? {id, layer, width: 4, height: 0, above: [], below: [], isPassing: true};
    items.set(id, item);
    path.push(item);
  }
  path.push(items.get(to));
  path.slice(1).forEach((item, index) => {
    item.above.push(path[index]);
    path[index].below.push(item);
  });
  return path;
}

/** Sweeps down and up, each item going to the mean of its neighbours; the order with the fewest crossings stays. */
function order(layers) {
  const number = () => {
    for (const layer of layers)
      layer.forEach((item, index) => {
        item.at = index;
      });
  };
  number();
  let best = layers.map(layer => [...layer]), fewest = crossings(layers);
  for (let sweep = 0; sweep < SWEEPS && fewest > 0; sweep++) {
    const isDown = sweep % 2 === 0;
    for (const layer of isDown ? layers : [...layers].reverse()) {
      const side = isDown ? "above" : "below";
      for (const item of layer) item.mean = item[side].length ? mean(item[side].map(other => other.at)) : item.at;
      layer.sort((a, b) => a.mean - b.mean || a.at - b.at).forEach((item, index) => {
        item.at = index;
      });
    }
    const count = crossings(layers);
    if (count < fewest) [best, fewest] = [layers.map(layer => [...layer]), count];
  }
  best.forEach((layer, index) => {
    layers[index] = layer;
  });
  number();
}

const mean = list => list.reduce((sum, value) => sum + value, 0) / list.length;

function crossings(layers) {
  let count = 0;
  for (const layer of layers) {
    const ends = layer.flatMap(item => item.below.map(other => other.at).sort((a, b) => a - b));
    for (let i = 0; i < ends.length; i++)
      for (let j = i + 1; j < ends.length; j++)
        if (ends[j] < ends[i]) count++;
  }
  return count;
}

/** Each layer takes the positions nearest to those of its neighbours, in order and without overlaps. */
function place(layers) {
  for (const layer of layers) {
    let right = 0;
    for (const item of layer) {
      item.x = right + item.width / 2;
      right += item.width + GAP_X;
    }
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isDown = sweep % 2 === 0;
    for (const layer of isDown ? layers : [...layers].reverse()) {
      const wanted = layer.map(item => {
        const near = sweep < SWEEPS - 2 ? (isDown ? item.above : item.below) : [...item.above, ...item.below];
        return near.length ? mean(near.map(other => other.x)) : item.x;
      });
      fit(layer, wanted).forEach((x, index) => {
        layer[index].x = x;
      });
    }
  }
}

/**
 * Positions in order, at least as far apart as widths and gaps ask, with the least sum of squared distances from the
 * wanted ones. Without the gaps this is a regression by a rising sequence: neighbours that are out of order join and
 * share their mean.
 */
function fit(layer, wanted) {
  const offsets = [0];
  for (let index = 1; index < layer.length; index++) {
    const gap = layer[index].isPassing && layer[index - 1].isPassing ? GAP_X / 2 : GAP_X;
    offsets.push(offsets[index - 1] + (layer[index - 1].width + layer[index].width) / 2 + gap);
  }
  const groups = [];
  wanted.forEach((x, index) => {
    const weight = layer[index].isPassing ? 2 : 1;
    groups.push({sum: (x - offsets[index]) * weight, weight, count: 1});
    while (groups.length > 1 && at(groups.at(-2)) > at(groups.at(-1))) {
      const last = groups.pop(), before = groups.at(-1);
      groups[groups.length - 1] = {
        sum: before.sum + last.sum,
        weight: before.weight + last.weight,
        count: before.count + last.count
      };
    }
  });
  return groups.flatMap(group => Array(group.count).fill(at(group))).map((x, index) => x + offsets[index]);
}

const at = group => group.sum / group.weight;

function measured(layers, items, chains) {
  const all = [...items.values()];
  const left = Math.min(...all.map(item => item.x - item.width / 2));
  let y = 0;
  for (const layer of layers) {
    const height = Math.max(...layer.map(item => item.height), 8);
    for (const item of layer) Object.assign(item, {x: item.x - left, y: y + height / 2, top: y, bottom: y + height});
    y += height + GAP_Y;
  }
  const centres = new Map(all.filter(item => !item.isPassing).map(item => [item.id, {x: item.x, y: item.y}]));
  const width = Math.max(...all.map(item => item.x + item.width / 2));
  return {centres, paths: chains.map(pointsOf), width, height: y - GAP_Y};
}

/** From the lower side of the first box to the upper side of the last. */
function pointsOf(path) {
  return path.map((item, index) => {
    if (index === 0) return {x: item.x, y: item.y + item.height / 2};
    if (index === path.length - 1) return {x: item.x, y: item.y - item.height / 2};
    return {x: item.x, y: item.y};
  });
}
