/** Policy documents of tests. */

/** The number of the account that tests deploy to. */
export const account = "123456789012";
/** The number of an account that is not the stack's. */
export const stranger = "999999999999";

/** A document of these statements, as the engine hands it over: as text. */
export function document(...statements: object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}
