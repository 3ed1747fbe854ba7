/** How the client's lines write numbers of things. */

/**
 * `1 job`, `2 jobs`.
 * @param many the plural of a thing that does not only take an s. @default the thing and an s
 */
export function plural(count: number, thing: string, many = `${thing}s`): string {
  return `${count} ${count === 1 ? thing : many}`;
}
