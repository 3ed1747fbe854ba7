/** The size of the videos that a stack with given settings accepts. */
import { maxObjectBytes } from "../../client/src/index.ts";
import { checkSettings } from "../deployment/settings-check.ts";

/**
 * Returns the size of the largest video that the stack `local` with the settings in a file accepts, bytes.
 * @throws InvalidInputError if the settings are invalid
 */
export async function maxBytesOf(file: string): Promise<number> {
  const settings = await checkSettings({ stack: "local", file });
  // Loaded here, because Pulumi's SDK takes seconds: a command line must be checked first.
  const { requestModeOf } = await import("../../infra/request-settings.ts");
  return requestModeOf(settings) === "reference" ? maxObjectBytes : settings.maxRequestSize * 1024 ** 2;
}
