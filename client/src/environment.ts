/** Environment of a stack, so that figures of the emulator are not mistaken for those of a GPU on AWS. */
import { constants, gunzipSync } from "node:zlib";
import type { StackOutputs } from "./outputs.ts";

/** Environment of a stack. */
export type Environment = "aws" | "emulator";

/** Device that a handler used, as its results name it. */
export type Device = "cpu" | "cuda";

const deviceNames: Readonly<Record<Device, string>> = { cpu: "CPU", cuda: "GPU" };

/** Returns a stack's environment: only stacks on the emulator have an `awsEndpointUrl`. */
export function environmentOf({ awsEndpointUrl }: Pick<StackOutputs, "awsEndpointUrl">): Environment {
  return awsEndpointUrl === undefined ? "aws" : "emulator";
}

/**
 * Describes an environment for people.
 * @param devices named by the results, if any were read
 */
export function describeEnvironment(environment: Environment, devices: readonly Device[] = []): string {
  if (environment === "aws") return "AWS";
  const place = devices.length === 0 ? " on this machine" : `, ${describeDevices(devices)} of this machine`;
  return `AWS emulator${place}, accelerated clock`;
}

/** Formats `CPU`, `GPU`, or `CPU and GPU`. */
export function describeDevices(devices: readonly Device[]): string {
  return devices.map((device) => deviceNames[device]).join(" and ");
}

/** Number of bytes of a result that {@link deviceIn} needs: the handler's part precedes that of the video. */
export const deviceBytes = 4096;

/** Maximum length of the text of those bytes if they are compressed. */
const maxTextBytes = 8 * 1024 ** 2;

/** Matches the member `handler.device` at the start of a result; inside a JSON string its quotes would be escaped. */
const devicePattern = /"handler":\s*\{[^{}]*"device":\s*"(cpu|cuda)"/;

/**
 * Reads the handler's device from the first bytes of a result, a document or lines, compressed or not.
 * @returns undefined if the result does not name one, as in the first schema version
 */
export function deviceIn(start: Uint8Array): Device | undefined {
  const found = devicePattern.exec(textOf(start))?.[1];
  return found === "cpu" || found === "cuda" ? found : undefined;
}

function textOf(start: Uint8Array): string {
  if (start[0] !== 0x1f || start[1] !== 0x8b) return new TextDecoder().decode(start);
  try {
    // The end is missing.
    const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: maxTextBytes };
    return gunzipSync(start, options).toString("utf8");
  } catch {
    // Damaged, so that it names no device; reading the whole result reports the reason.
    return "";
  }
}
