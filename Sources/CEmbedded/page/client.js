// Requests to the server that the page came from.

const TOKEN = "autograd-token";

/** What a request was refused with: an RFC 9457 problem, or one made here where no server answered. */
export class Problem extends Error {
  constructor(facts) {
    super(facts.detail);
    this.facts = facts;
  }
}

export const token = {
  get: () => sessionStorage.getItem(TOKEN) ?? "",
  set: text => text ? sessionStorage.setItem(TOKEN, text) : sessionStorage.removeItem(TOKEN),
};

/**
 * Sends a request; answers `{status, text, data, headers, milliseconds}`, or throws `Problem`. `body` is a text that
 * is JSON.
 */
export async function call(path, {method = "GET", body, headers = {}, signal} = {}) {
  const sent = {Accept: "application/json", ...headers};
  if (body !== undefined) sent["Content-Type"] ??= "application/json";
  if (token.get()) sent.Authorization = `Bearer ${token.get()}`;
  const start = performance.now();
  const answer = await reached(path, {method, body, headers: sent, signal, cache: "no-store"});
  const text = await answer.text();
  const milliseconds = performance.now() - start;
  const data = parsed(text);
  if (answer.ok) return {status: answer.status, text, data, headers: answer.headers, milliseconds};
  const facts =
    data?.code ? data : {title: `Status ${answer.status}`, detail: text.slice(0, 300) || "The answer is empty."};
  throw new Problem(
    {status: answer.status, etag: answer.headers.get("ETag"), retryAfter: answer.headers.get("Retry-After"), ...facts});
}

async function reached(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({
      code: "unreachable",
      title: "The server does not answer",
      status: 0,
      detail: `No answer from ${location.origin}. Once it runs again, press Ctrl-Enter.`,
    });
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch { return null; }
}

export const post = (path, body, signal) => call(path, {method: "POST", body, signal});
