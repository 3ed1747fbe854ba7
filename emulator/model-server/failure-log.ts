/**
 * Finds the reason of a model server's failed start in TorchServe's log: the handler's exception, not its consequences.
 */

/** Matches `2026-01-02T03:04:05,678 [INFO ] W-9000-model_1.0-stdout MODEL_LOG - text`. */
const torchServeLine = /^\S+ \[\w+ *\] (\S+) (\S+) - (.*)$/;
// One line for each request, including the emulator's probes.
const noise = /^(ACCESS_LOG|TS_METRICS)$/;
// A worker's exceptions about a model that has not loaded; the model's exception comes before them.
const consequence = /^RuntimeError: \d+ - /;

const traceLines = 6;
const tailLines = 15;

interface Line {
  readonly thread: string;
  readonly text: string;
}

/**
 * Returns the last exception that a worker has reported, with the end of its traceback; else the last lines of the log.
 */
export function failureOf(log: string): string {
  const lines = log.trimEnd().split("\n").flatMap(readLine);
  let found: string | undefined;
  lines.forEach(({ thread, text }, start) => {
    if (!text.startsWith("Traceback (most recent call last):")) return;
    // Workers write at the same time: only the lines of the same worker belong to it.
    const following = lines.slice(start + 1).filter((line) => line.thread === thread);
    const end = following.findIndex((line) => !/^\s/.test(line.text));
    const exception = following[end]?.text;
    if (exception === undefined || consequence.test(exception)) return;
    found = [exception, ...following.slice(Math.max(0, end - traceLines), end).map((line) => line.text)].join("\n");
  });
  return (
    found ??
    lines
      .slice(-tailLines)
      .map(({ text }) => text)
      .join("\n")
  );
}

function readLine(line: string): Line[] {
  const [, thread = "", logger = "", text = line] = torchServeLine.exec(line) ?? [];
  return noise.test(logger) ? [] : [{ thread, text }];
}
