/** Policy documents of tests. */

/** Number of the account that tests deploy to. */
export const account = "123456789012";
/** Number of another account. */
export const stranger = "999999999999";

/** Returns a document of these statements as text, as the engine passes it. */
export function document(...statements: object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}
