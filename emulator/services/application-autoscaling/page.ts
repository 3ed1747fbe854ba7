/** Pages of a list, with tokens like AWS's: opaque to the caller. */

/** The token was not made by `pageOf`. */
export class InvalidTokenError extends Error {
  override readonly name = "InvalidTokenError";
}

/** One page of a list, and the token of the next page. */
export interface Page<Item> {
  readonly items: Item[];
  readonly nextToken: string | undefined;
}

/** Returns the page of `size` items at `token`; the first one without a token. Throws InvalidTokenError. */
export function pageOf<Item>(items: readonly Item[], size: number, token: string | undefined): Page<Item> {
  const start = token === undefined ? 0 : startOf(token);
  const end = start + size;
  const nextToken = end < items.length ? Buffer.from(`from:${end}`).toString("base64url") : undefined;
  return { items: items.slice(start, end), nextToken };
}

function startOf(token: string): number {
  const match = /^from:(\d{1,9})$/.exec(Buffer.from(token, "base64url").toString("latin1"));
  if (match === null) throw new InvalidTokenError(`"${token}" is not a token of this list.`);
  return Number(match[1]);
}
