/** The code of a refusal, for tables of refused inputs. */

/**
 * Returns the error code that goes with a message: a feature that the emulator does not implement has no code of AWS.
 * @param code the service's code for an invalid input
 */
export function refusalCode(message: string | RegExp, code: string): string {
  const words = typeof message === "string" ? message : message.source;
  return words.includes("does not implement") ? "NotImplementedException" : code;
}
