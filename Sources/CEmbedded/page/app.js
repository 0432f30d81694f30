// The page: joins the parts, and says what is sent when.

import {contentOf, fragmentOf} from "./address.js";
import {AnswerView} from "./answer.js";
import {call, post, Problem, token} from "./client.js";
import {announce, byId, copy, el, setText} from "./dom.js";
import {Editor} from "./editor.js";
import {byGroup, EXAMPLES} from "./examples.js";
import {Fields} from "./fields.js";
import {format} from "./numbers.js";
import {Options} from "./options.js";
import {showProblem} from "./problem.js";
import {bodyOf, membersOf, pathOf, Unreadable} from "./request.js";
import {Runner} from "./runner.js";
import {State} from "./state.js";
import {Tabs} from "./tabs.js";
import {prepareTheme} from "./theme.js";

const TABS = [
  ["answer", "Answer"],
  ["graph", "Graph"],
  ["derivative", "Derivative"],
  ["plot", "Plot"],
  ["json", "JSON"],
  ["curl", "curl"],
  ["python", "Python"],
  ["r", "R"],
  ["javascript", "JavaScript"],
];
/** Views that are fetched when somebody first looks at them. */
const LATER = {
  graph: () => import("./graph.js").then(module => module.GraphTab),
  derivative: () => import("./derivative.js").then(module => module.DerivativeTab),
  plot: () => import("./plot.js").then(module => module.PlotTab),
  code: () => import("./code.js").then(module => module.CodeTab),
};
const CODE = new Set(["json", "curl", "python", "r", "javascript"]);

const state = new State();
const views = new Map();
const runner = new Runner(() => [sendRequest, updateView]);
let editor, fields, options, tabs, answer;
let isFirst = true;
/** The first request, which is under way while the page is built. */
let early = null;

function start() {
  const shared = contentOf(location.hash);
  const content = shared ?? EXAMPLES[0].content;
  early = sendEarly(content);
  prepareTheme(() => {
    for (const view of views.values()) view.redraw?.();
  });
  editor = new Editor(byId("editor"), {
    onChange: text => {
      state.formula = text;
      state.changed("formula");
    },
    onRun: runNow,
  });
  fields = new Fields(byId("fields"), state);
  options = new Options(byId("options"), state);
  tabs = new Tabs(byId("tabs"), byId("panel"), TABS, name => {
    state.tab = name;
    state.changed("view");
    openView();
    runner.run();
  });
  const host = el("div", {class: "view", "data-view": "answer"});
  answer = new AnswerView(host, state);
  views.set("answer", {node: host});
  state.onChange(changed);
  prepareBar();
  load(content, shared ? "" : EXAMPLES[0].id);
  addEventListener("hashchange", () => {
    const content = contentOf(location.hash);
    if (content && location.hash !== lastFragment) load(content);
  });
}

function sendEarly(content) {
  try {
    state.load(content);
    const reply = post(pathOf(state), bodyOf(membersOf(state)));
    // Whoever awaits it meets the refusal.
    reply.catch(() => {});
    return reply;
  } catch { return null; }
}

/** Shows a whole new state and runs it. */
function load(content, example = "") {
  state.load({...content, tab: tabs.has(content.tab) ? content.tab : "answer"});
  byId("examples").value = example;
  editor.text = state.formula;
  byId("options-box").open = false;
  tabs.choose(state.tab);
  openView();
  state.changed("all");
  return runner.run();
}

function changed(what) {
  if (what === "all" || what === "formula") fields.draw();
  if (what !== "view" && what !== "field") options.draw();
  setText(byId("option-count"), options.count ? `${options.count}` : "");
  if (what === "formula") {
    setText(byId("status"), "Edited: Ctrl-Enter runs it.");
    editor.markFault(null);
  }
  if (what === "field" || what === "option") runner.run();
  keepAddress();
}

let lastFragment = "", addressTimer = 0;

/** Browsers allow some changes of the address in a second, a slider makes more. */
function keepAddress() {
  clearTimeout(addressTimer);
  addressTimer = setTimeout(writeAddress, 250);
}

function writeAddress() {
  clearTimeout(addressTimer);
  lastFragment = fragmentOf(state);
  history.replaceState(null, "", lastFragment);
  lastFragment = location.hash;
}

async function runNow() {
  state.sync();
  fields.draw();
  await runner.run();
  const problem = byId("problem").textContent;
  announce(problem ? "" : `Answered. ${summary()}`);
}

let lastAnswer = null;

/** Numbers of the answer, for a screen reader. */
function summary() {
  const outputs = Object.entries(lastAnswer?.outputs ?? {}).filter(([, tensor]) => tensor.shape.length === 0);
  return outputs.map(([name, tensor]) => `${name} is ${format(tensor.data)}`).join(", ");
}

// MARK: What is sent

async function sendRequest(signal) {
  try {
    if (state.dropGone()) options.draw();
    const reply = await (early ?? post(pathOf(state), bodyOf(membersOf(state)), signal));
    early = null;
    lastAnswer = reply.data;
    show(reply);
  } catch (error) {
    early = null;
    if (error.name === "AbortError") throw error;
    if (!(error instanceof Problem || error instanceof Unreadable)) throw error;
    refuse(error.facts);
    return CODE.has(state.tab) ? undefined : false;
  }
}

function show(reply) {
  byId("token").hidden = true;
  showProblem(byId("problem"), null);
  editor.markFault(null);
  fields.markFault(null);
  options.markFault(null);
  answer.show(reply.data, state.compute);
  const of = (state.options.of ?? "").trim();
  fields.showGradients(reply.data.gradients, of.includes(",") ? "" : of);
  setText(byId("status"),
    `Answered in ${reply.milliseconds < 10 ? reply.milliseconds.toFixed(1) : Math.round(reply.milliseconds)} ms`);
  views.get("answer").node.classList.remove("is-old");
  if (isFirst) performance.mark("answered");
  isFirst = false;
}

function refuse(facts) {
  if (facts.status === 401) return askForToken(facts);
  const isInField = fields.markFault(facts.pointer, facts.detail);
  if (options.markFault(facts.pointer)) byId("options-box").open = true;
  editor.markFault(facts.line ? facts : null);
  showProblem(byId("problem"), isInField && facts.code === "unreadable" ? null : facts, text => {
    editor.mend(text);
    runNow();
  });
  setText(byId("status"), "Refused");
  views.get("answer").node.classList.add("is-old");
}

function askForToken(facts) {
  const isWrong = token.get() !== "";
  showProblem(byId("problem"), isWrong ? facts : null);
  setText(byId("status"), isWrong ? "The token was refused" : "The server asks for a token");
  byId("token").hidden = false;
  byId("token-text").focus();
}

// MARK: Views

const viewName = () => CODE.has(state.tab) ? "code" : state.tab;

async function openView() {
  const name = viewName();
  if (!views.has(name)) {
    const View = await LATER[name]();
    if (!views.has(name)) views.set(name, new View(state, use));
  }
  const {node} = views.get(name);
  // A view that is put in again would lose its cursor, and be laid out anew for each answer.
  if (viewName() === name && byId("panel").firstChild !== node) byId("panel").replaceChildren(node);
}

async function updateView(signal) {
  await openView();
  try {
    await views.get(viewName()).update?.(signal, lastAnswer);
  } catch (error) {
    if (!(error instanceof Problem || error instanceof Unreadable)) throw error;
    views.get(viewName()).refuse?.(error.facts);
  }
}

/** Takes what a view offers: a field's new value, or a whole content. */
function use({field, content}) {
  if (content) return load(content);
  state.setField(...field);
  fields.draw();
}

// MARK: The bar

function prepareBar() {
  byId("run").addEventListener("click", runNow);
  byId("examples").append(el("option", {value: ""}, "Examples"), ...byGroup().map(([group,
    list]) => el("optgroup", {label: group}, list.map(example => el("option", {value: example.id}, example.title)))));
  byId("examples").addEventListener("change", event => {
    const example = EXAMPLES.find(({id}) => id === event.target.value);
    if (example) load(example.content, example.id);
  });
  byId("share").addEventListener("click", async () => {
    writeAddress();
    await copy(location.href);
    announce("The link is copied");
    setText(byId("share"), "Copied");
    setTimeout(() => setText(byId("share"), "Copy link"), 1200);
  });
  byId("token").addEventListener("submit", event => {
    event.preventDefault();
    token.set(byId("token-text").value.trim());
    byId("token-text").value = "";
    runner.run();
    findGraphs();
  });
  byId("open-operations").addEventListener("click", openOperations);
  byId("open-graphs").addEventListener("click", openGraphs);
  addEventListener("keydown", event => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
    event.preventDefault();
    openOperations();
  });
}

async function openOperations() {
  const {openOperations} = await import("./operations.js");
  openOperations(byId("operations"), editor);
}

async function openGraphs() {
  const {openGraphs} = await import("./registered.js");
  openGraphs(byId("graphs"), state, load);
}

/** Servers without registered graphs have no such path; then there is nothing to open. */
async function findGraphs() {
  const reply = await call("/v1/graphs?limit=1").catch(() => null);
  byId("open-graphs").hidden = !reply;
}

start();
// What is not needed for the first answer waits until it is there.
runner.finished.then(findGraphs);
