/** Pages of a list, with tokens like AWS's: opaque to the caller. */

import { AwsError } from "../wire/service.ts";

/** One page of a list, and the token of the next page. */
export interface Page<Item> {
  readonly items: Item[];
  readonly nextToken: string | undefined;
}

/**
 * Returns a function that returns the page of `size` items at `token`, or the first one without a token.
 * @param code code of the AwsError for a token that was not made here
 * @param message its message
 */
export function pager(code: string, message: string) {
  return <Item>(items: readonly Item[], size: number, token = tokenOf(0)): Page<Item> => {
    const [, offset] = /^from:(\d{1,9})$/.exec(Buffer.from(token, "base64url").toString("latin1")) ?? [];
    if (offset === undefined) throw new AwsError(code, message);
    const end = Number(offset) + size;
    return { items: items.slice(Number(offset), end), nextToken: end < items.length ? tokenOf(end) : undefined };
  };
}

function tokenOf(offset: number): string {
  return Buffer.from(`from:${offset}`).toString("base64url");
}
