/** Tells how far an installation is: what is done, of how much. */

const UNITS = /** @type {const} */ ({ KiB: 1 / 1024, MiB: 1, GiB: 1024 });

/**
 * Reads what uv writes with --no-progress: "Downloading NAME (SIZE)" when a large download starts, "Downloaded NAME" when it has ended.
 * @param {(what: string) => void} report is told the downloads so far, as in `downloading, 17 of 57 MiB (scipy)`, and all other lines as they are
 * @returns {(line: string) => void} takes each line
 */
export function uvProgress(report) {
  /** @type {Map<string, number>} */
  const pending = new Map();
  let [done, total] = [0, 0];
  return (line) => {
    const [, started, size, unit] = /^\s*Downloading (\S+) \(([\d.]+)([KMG]iB)\)$/.exec(line) ?? [];
    const [, ended] = /^\s*Downloaded (\S+)$/.exec(line) ?? [];
    if (started !== undefined) {
      const mebibytes = Number(size) * UNITS[/** @type {keyof typeof UNITS} */ (unit)];
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
