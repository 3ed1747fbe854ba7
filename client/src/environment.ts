/** Where a stack runs, so that figures of the emulator do not look like those of a GPU on AWS. */
import { constants, gunzipSync } from "node:zlib";
import type { StackOutputs } from "./outputs.ts";

/** Where a stack runs. */
export type Environment = "aws" | "emulator";

/** What a handler worked on, as its results name it. */
export type Device = "cpu" | "cuda";

const deviceNames: Readonly<Record<Device, string>> = { cpu: "CPU", cuda: "GPU" };

/** Only stacks on the emulator have an `awsEndpointUrl`. */
export function environmentOf({ awsEndpointUrl }: Pick<StackOutputs, "awsEndpointUrl">): Environment {
  return awsEndpointUrl === undefined ? "aws" : "emulator";
}

/**
 * Describes an environment for people.
 * @param devices that the results name, if any were read
 */
export function describeEnvironment(environment: Environment, devices: readonly Device[] = []): string {
  if (environment === "aws") return "AWS";
  const place = devices.length === 0 ? " on this machine" : `, ${describeDevices(devices)} of this machine`;
  return `AWS emulator${place}, accelerated clock`;
}

/** `CPU`, `GPU`, or `CPU and GPU`. */
export function describeDevices(devices: readonly Device[]): string {
  return devices.map((device) => deviceNames[device]).join(" and ");
}

/** Bytes of a result that {@link deviceIn} needs: the handler's part comes before that of the video. */
export const DEVICE_BYTES = 4096;

/** Largest text of those bytes if they are compressed. */
const MAX_TEXT_BYTES = 8 * 1024 ** 2;

/** The member `handler.device` at the start of a result; inside a JSON string its quotes would be escaped. */
const devicePattern = /"handler":\s*\{[^{}]*"device":\s*"(cpu|cuda)"/;

/**
 * Reads the handler's device from the first bytes of a result, a document or lines, compressed or not.
 * @returns undefined if the result does not name one, as those of the first schema version
 */
export function deviceIn(start: Uint8Array): Device | undefined {
  const found = devicePattern.exec(textOf(start))?.[1];
  return found === "cpu" || found === "cuda" ? found : undefined;
}

function textOf(start: Uint8Array): string {
  if (start[0] !== 0x1f || start[1] !== 0x8b) return new TextDecoder().decode(start);
  try {
    // The end is missing.
    const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MAX_TEXT_BYTES };
    return gunzipSync(start, options).toString("utf8");
  } catch {
    // Damaged, so that it names no device; who reads the result is told why.
    return "";
  }
}
