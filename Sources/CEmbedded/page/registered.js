// Registered graphs: opening one or an old version of it, and saving so that nobody's work is overwritten unseen.

import {call, Problem} from "./client.js";
import {announce, el} from "./dom.js";
import {isJSON} from "./names.js";
import {fieldOf} from "./state.js";

/** The graph that was opened or saved last: a save of it replaces exactly this version. */
let opened = null;

export async function openGraphs(dialog, state, load) {
  const page = new GraphsDialog(dialog, state, load);
  if (!dialog.open) dialog.showModal();
  await page.list();
}

class GraphsDialog {
  constructor(dialog, state, load) {
    Object.assign(this, {dialog, state, load});
    this.table = el("table", {class: "saved"});
    this.message = el("div", {role: "status"});
    this.name = el("input", {
      type: "text",
      required: true,
      pattern: "[A-Za-z][A-Za-z0-9_.\\-]{0,63}",
      autocomplete: "off",
      value: opened?.name ?? "",
      title: "Letters, digits, _ . and -"
    });
    this.description = el("input", {type: "text", autocomplete: "off", value: opened?.description ?? ""});
    const form = el("form", {class: "form-row"}, el("label", {}, "Save as", this.name),
      el("label", {}, "Description", this.description), el("button", {type: "submit", class: "primary"}, "Save"));
    form.addEventListener("submit", event => {
      event.preventDefault();
      this.#save();
    });
    dialog.replaceChildren(el("div", {class: "dialog-head"}, el("h2", {id: "graphs-title"}, "Registered graphs"),
                             el("button", {type: "button", class: "quiet", onclick: () => dialog.close()}, "Close")),
      el("div", {class: "dialog-body"}, this.message, this.table, form));
  }

  /** All graphs, page after page. */
  async list() {
    await this.#tell(async () => {
      const graphs = [];
      let after = "", isPersistent = true;
      do {
        const {data} = await call(`/v1/graphs?limit=1000${after && `&after=${encodeURIComponent(after)}`}`);
        graphs.push(...data.graphs);
        after = data.next ?? "";
        isPersistent = data.persistent;
      } while (after);
      this.#show(graphs.map(graph => this.#row(graph)), graphs.length ? null : "No graph is registered yet.");
      if (!isPersistent) this.#say("This server keeps graphs in memory: they go when it ends.");
    });
  }

  #show(rows, hint) {
    this.table.replaceChildren(...(rows.length ? [el("tbody", {}, rows)] : [el("caption", {class: "hint"}, hint)]));
  }

  #row({name, version, description, created}) {
    return el("tr", {}, el("th", {scope: "row"}, name), el("td", {}, `version ${version}`),
      el("td", {}, description ?? ""), el("td", {class: "hint"}, day(created)),
      el("td", {}, button("Open", `Open ${name}`, () => this.#open(name)),
        button("Versions", `Versions of ${name}`, () => this.#versions(name))));
  }

  async #versions(name) {
    await this.#tell(async () => {
      const {data} = await call(`${pathOf(name)}/versions`);
      const rows = [...data.versions].reverse().map(
        ({version, description, created, bytes}) => el("tr", {}, el("th", {scope: "row"}, `${name}@${version}`),
          el("td", {}, `${bytes} bytes`), el("td", {}, description ?? ""), el("td", {class: "hint"}, day(created)),
          el("td", {}, button("Open", `Open version ${version} of ${name}`, () => this.#open(name, version)))));
      this.#show(rows, "");
      this.table.append(el("tfoot", {},
        el("tr", {}, el("td", {colspan: 5}, button("All graphs", "Back to all graphs", () => this.list())))));
    });
  }

  /** An old version is opened for reading; saving it makes a new one, over the version that is newest now. */
  async #open(name, version) {
    await this.#tell(async () => {
      const {data} = await call(version ? `${pathOf(name)}@${version}` : pathOf(name));
      const newest = version ? (await call(pathOf(name))).data.version : data.version;
      opened = {name, version: newest, description: data.description ?? ""};
      this.dialog.close();
      const fields = Object.fromEntries(
        (data.inputs ?? []).filter(input => !input.default).map(input => [input.name, blank(input)]));
      // Values that were entered already stay for inputs of the same name.
      this.load({formula: data.text, fields: {...fields, ...this.state.fields}});
      announce(`${name}, version ${data.version}, is open`);
    });
  }

  async #save(force = null) {
    const name = this.name.value.trim();
    const isKnown = opened?.name === name;
    const headers = force ? {"If-Match": `"${force}"`} :
      isKnown             ? {"If-Match": `"${opened.version}"`} :
                            {"If-None-Match": "*"};
    const graph = isJSON(this.state.formula) ? this.state.formula : JSON.stringify(this.state.formula);
    const description = this.description.value.trim();
    const body = `{"graph": ${graph}${description && `, "description": ${JSON.stringify(description)}`}}`;
    await this.#tell(async () => {
      try {
        const {data} = await call(pathOf(name), {method: "PUT", body, headers});
        opened = {name, version: data.version, description};
        await this.list();
        this.#say(`${name} is saved as version ${data.version}.`);
      } catch (error) {
        if (!(error instanceof Problem) || error.facts.status !== 412) throw error;
        this.#conflict(name, error.facts);
      }
    });
  }

  /** Somebody else saved meanwhile: a person decides. */
  #conflict(name, facts) {
    const version = facts.version ?? facts.etag?.replaceAll('"', "");
    if (version === undefined) {
      opened = null;
      this.#say(`${name} was deleted meanwhile.`,
        button("Create it again", `Save ${name} as a new graph`, () => this.#save()));
      return;
    }
    this.#say(opened?.name === name ?
        `${name} was changed meanwhile: version ${version} is newer than the one you opened.` :
        `There is a graph ${name} already, version ${version}.`,
      button("Open theirs", `Open version ${version} of ${name}`, () => this.#open(name)),
      button("Save over it", `Save over version ${version} of ${name}`, () => this.#save(version)));
  }

  #say(text, ...actions) { this.message.replaceChildren(el("p", {class: "notice"}, text, ...actions)); }

  async #tell(action) {
    this.message.replaceChildren();
    try {
      await action();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#say(error.facts.detail);
    }
  }
}

const pathOf = name => `/v1/graphs/${encodeURIComponent(name)}`;
const day = created => (created ?? "").slice(0, 16).replace("T", " ");
const button = (label, title, action) =>
  el("button", {type: "button", class: "quiet", "aria-label": title, onclick: action}, label);

/** Ones in the declared shape; a dimension that may be anything is 2. */
function blank({shape}) {
  const ones = (shape ??
    []).reduceRight((item, size) => `[${Array(typeof size === "number" ? size : 2).fill(item).join(", ")}]`, "1");
  return fieldOf(ones);
}
