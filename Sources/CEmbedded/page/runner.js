// Runs requests one after the other, never two at a time. What changes meanwhile is sent next, and only its newest
// state.

/** A request that has been under way for so long is given up for a newer one. */
const PATIENCE = 300;

/** Milliseconds between two frames of a screen. */
const FRAME = 16;

export class Runner {
  #steps;
  #isWanted = false;
  #isRunning = false;
  #abort = null;

  /** `steps()` gives the requests to make now: functions that take an AbortSignal. */
  constructor(steps) { this.#steps = steps; }

  /** Asks for a run; it has ended when the promise is fulfilled. */
  run() {
    this.#isWanted = true;
    if (this.#isRunning) {
      const abort = this.#abort;
      setTimeout(() => {
        if (this.#isWanted && this.#abort === abort) abort?.abort();
      }, PATIENCE);
    }
    this.finished = this.#isRunning ? this.finished : this.#loop();
    return this.finished;
  }

  async #loop() {
    this.#isRunning = true;
    try {
      while (this.#isWanted) {
        this.#isWanted = false;
        this.#abort = new AbortController();
        const start = performance.now();
        await this.#once(this.#abort.signal);
        if (this.#isWanted && performance.now() - start < FRAME) await nextFrame();
      }
    } finally {
      this.#isRunning = false;
    }
  }

  async #once(signal) {
    for (const step of this.#steps()) {
      try {
        if (await step(signal) === false) return;
      } catch (error) {
        if (error.name === "AbortError") return;
        throw error;
      }
    }
  }
}

/** More than one answer a frame would not be seen. Frames of hidden pages never come, so a clock stands beside. */
function nextFrame() {
  return new Promise(resolve => {
    requestAnimationFrame(resolve);
    setTimeout(resolve, 60);
  });
}
