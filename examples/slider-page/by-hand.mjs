/**
 * The curves of index.html without the client: one node for each operation, in JSON that is written and read by hand.
 * node by-hand.mjs prints position, velocity and effect of the damping at t = 1, for a damping of 0.2.
 */

const server = process.env.AUTOGRAD_URL ?? "http://127.0.0.1:8080";
const times = Float64Array.from({length: 401}, (_, i) => i / 20);

// --- the graph and its derivatives: begin ---
const graph = {
  nodes: [
    {op: "mul", inputs: ["damping", "t"], outputs: ["loss"]},
    {op: "neg", inputs: ["loss"], outputs: ["minus_loss"]},
    {op: "exp", inputs: ["minus_loss"], outputs: ["envelope"]},
    {op: "square", inputs: ["damping"], outputs: ["damping_squared"]},
    {op: "sub", inputs: [1, "damping_squared"], outputs: ["frequency_squared"]},
    {op: "sqrt", inputs: ["frequency_squared"], outputs: ["frequency"]},
    {op: "mul", inputs: ["frequency", "t"], outputs: ["angle"]},
    {op: "cos", inputs: ["angle"], outputs: ["wave"]},
    {op: "mul", inputs: ["envelope", "wave"], outputs: ["x"]},
  ],
};

/** Position, velocity and effect of the damping at all times: one request. */
async function curves(damping) {
  const response = await fetch(`${server}/v1/evaluate`, {
    method: "POST",
    headers: {"Content-Type": "application/json"},
    body: JSON.stringify({
      graph, inputs: {t: Array.from(times), damping}, batch: ["t"], per_example: true, encoding: "values",
    }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail);
  return {position: answer.outputs.x, velocity: answer.gradients.t, sensitivity: answer.gradients.damping};
}
// --- end ---

const {position, velocity, sensitivity} = await curves(0.2);
console.log(position[20], velocity[20], sensitivity[20]);
