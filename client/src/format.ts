/** Formats counts, sizes and names in the client's messages. */

/**
 * Formats a count: `1 job`, `2 jobs`.
 * @param many plural of a noun that takes more than an s. @default the noun and an s
 */
export function plural(count: number, thing: string, many = `${thing}s`): string {
  return `${count} ${count === 1 ? thing : many}`;
}

/** Formats a size: `600 bytes`, `10.2 kB`, `12.3 MB`, `1.23 GB`. */
export function sizeOf(bytes: number): string {
  if (bytes < 1000) return plural(bytes, "byte");
  if (bytes < 1e5) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/** Says why a video was not sent, in one line that names it once: most problems begin with its name. */
export function unsentLine(video: string, problem: string): string {
  return problem.includes(video) ? `not sent: ${problem}` : `${video}: not sent: ${problem}`;
}

/** Quotes a word for a POSIX shell. */
export function shellQuoted(word: string): string {
  return /^[\w./:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
