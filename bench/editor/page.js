// Runs in the page of a window that `bench editor` measures: hears VS Code's own log of its calls to providers
// (editor.inlineSuggest.logFetch), and says when a key went down and when ghost text was painted after it. All times are Unix
// times in milliseconds.
let heard = () => undefined;
const log = console.log;
console.log = (...args) => {
  log(...args);
  const [, record] = /InlineCompletions\.fetch @@ (\{.*\})$/s.exec(args.at(-1)) ?? [];
  if (record !== undefined) heard(JSON.parse(record));
};
globalThis.spanfillBench = {
  /**
   * Resolves when the editor has the focus. `done` then resolves with the times of the next key, and of the ghost text after it or
   * the answer that there is none.
   */
  async arm(limitMs) {
    while (!document.activeElement?.closest(".monaco-editor")) await new Promise((resolve) => setTimeout(resolve, 20));
    const { timeOrigin } = performance;
    const times = {};
    let end;
    this.done = new Promise((resolve) => {
      end = () => resolve(times);
    });
    const late = setTimeout(() => end(), limitMs);
    this.done.then(() => {
      clearTimeout(late);
      observer.disconnect();
      removeEventListener("keydown", pressed, { capture: true });
    });
    const pressed = ({ timeStamp }) => {
      times.down = timeOrigin + timeStamp;
    };
    addEventListener("keydown", pressed, { capture: true, once: true });
    heard = ({ kind, time, result }) => {
      if (times.down === undefined) return;
      if (kind === "start") times.called = time;
      if (kind === "end") {
        times.answered = time;
        times.items = result.length;
        if (result.length === 0) end();
      }
    };
    const observer = new MutationObserver(() => {
      if (times.down === undefined || document.querySelector(".view-lines [class*='ghost-text']") === null) return;
      observer.disconnect();
      // The frame in which it came into the document has been painted when the next one begins.
      requestAnimationFrame(() => {
        times.painted = timeOrigin + performance.now();
        end();
      });
    });
    observer.observe(document.body, { childList: true, subtree: true, attributeFilter: ["class"] });
  },
};
