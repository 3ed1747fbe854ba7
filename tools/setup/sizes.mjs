/** Reports the progress of downloads in MiB. */

const units = /** @type {const} */ ({ KiB: 1 / 1024, MiB: 1, GiB: 1024 });

/**
 * Returns a reader of uv's output with --no-progress: "Downloading NAME (SIZE)" at the start of a large download, "Downloaded NAME" at
 * its end.
 * @param {(state: string) => void} report gets the progress, such as `downloading, 17 of 57 MiB (scipy)`, and all other lines unchanged
 * @returns {(line: string) => void} reads a line
 */
export function uvProgress(report) {
  /** @type {Map<string, number>} */
  const pending = new Map();
  let [done, total] = [0, 0];
  return (line) => {
    const [, started, size, unit] = /^\s*Downloading (\S+) \(([\d.]+)([KMG]iB)\)$/.exec(line) ?? [];
    const [, ended] = /^\s*Downloaded (\S+)$/.exec(line) ?? [];
    if (started !== undefined) {
      const mebibytes = Number(size) * units[/** @type {keyof typeof units} */ (unit)];
      pending.set(started, mebibytes);
      total += mebibytes;
    } else if (ended !== undefined && pending.has(ended)) {
      done += pending.get(ended) ?? 0;
      pending.delete(ended);
    } else {
      report(line);
      return;
    }
    const names = pending.size === 0 ? "" : ` (${[...pending.keys()].join(", ")})`;
    report(`downloading, ${done.toFixed(0)} of ${total.toFixed(0)} MiB${names}`);
  };
}
