/** How the client's lines write numbers of things. */

/**
 * `1 job`, `2 jobs`.
 * @param many the plural of a thing that does not only take an s. @default the thing and an s
 */
export function plural(count: number, thing: string, many = `${thing}s`): string {
  return `${count} ${count === 1 ? thing : many}`;
}

/** `12.3 MB`, `1.23 GB`. */
export function sizeOf(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/** Why a video was not sent, in one line that names it once: most problems begin with its name. */
export function unsentLine(video: string, problem: string): string {
  return problem.includes(video) ? `not sent: ${problem}` : `${video}: not sent: ${problem}`;
}

/** A word as a POSIX shell takes it. */
export function shellQuoted(word: string): string {
  return /^[\w./:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
