/** How the client's lines put numbers of things. */

/** `1 job`, `2 jobs`. */
export function plural(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}
