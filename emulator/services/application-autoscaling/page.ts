/** Pages of a list, with tokens as AWS hands them out: opaque to the caller. */

/** The token is none that `pageOf` made. */
export class InvalidTokenError extends Error {
  override readonly name = "InvalidTokenError";
}

export interface Page<Item> {
  readonly items: Item[];
  readonly nextToken: string | undefined;
}

/**
 * The page of `size` items that `token` stands for; the first one without a token. Throws InvalidTokenError.
 */
export function pageOf<Item>(items: readonly Item[], size: number, token: string | undefined): Page<Item> {
  const start = token === undefined ? 0 : startOf(token);
  const end = start + size;
  const nextToken = end < items.length ? Buffer.from(`from:${end}`).toString("base64url") : undefined;
  return { items: items.slice(start, end), nextToken };
}

function startOf(token: string): number {
  const match = /^from:(\d{1,9})$/.exec(Buffer.from(token, "base64url").toString("latin1"));
  if (match === null) throw new InvalidTokenError(`"${token}" is no token of this list.`);
  return Number(match[1]);
}
