/** Errors of the provider, with messages for users of `pulumi up`. */
import type { Values } from "./values.ts";

/** An error of the program, the stack's config or AWS. */
export class ProviderError extends Error {
  override readonly name: string = "ProviderError";
}

/** The engine cancelled an operation (Ctrl-C), so the provider stopped waiting. */
export class CancelledError extends ProviderError {
  override readonly name = "CancelledError";
}

/** AWS refused a call, or did not answer. */
export class AwsCallError extends ProviderError {
  override readonly name = "AwsCallError";
  /** AWS's error code; a Node error code such as ECONNREFUSED if nothing answered. */
  readonly code: string;
  /** AWS's message. */
  readonly reason: string;

  constructor(operation: string, code: string, reason: string, status: number | undefined, cause: unknown) {
    super(`${operation} failed: ${code}: ${reason}${status === undefined ? "" : ` (HTTP ${status})`}`, { cause });
    this.code = code;
    this.reason = reason;
  }
}

/** AWS created or changed the resource, but a later step failed: the engine keeps `state`, and `reasons` with it. */
export class PartialStateError extends ProviderError {
  override readonly name = "PartialStateError";
  readonly id: string;
  readonly state: Values;
  readonly inputs: Values;

  constructor(id: string, state: Values, inputs: Values, reason: string, cause: unknown) {
    super(reason, { cause });
    this.id = id;
    this.state = state;
    this.inputs = inputs;
  }
}

/** An error code of AWS; with `says`, only if AWS's message contains that text. */
export type ErrorCode = string | { readonly code: string; readonly says: string };

/** Tells whether AWS answered with one of these codes. */
export function isCode(error: unknown, ...codes: readonly ErrorCode[]): error is AwsCallError {
  if (!(error instanceof AwsCallError)) return false;
  return codes.some((one) =>
    typeof one === "string" ? error.code === one : error.code === one.code && error.reason.includes(one.says),
  );
}

/** Returns the answer of `call`; undefined if AWS answers with one of the codes, which mean that the resource does not exist. */
export async function ignoreNotFound<T>(call: Promise<T>, ...codes: readonly ErrorCode[]): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isCode(error, ...codes)) return undefined;
    throw error;
  }
}

/** An error of the SDK, with a Node error code if AWS did not answer. */
interface SdkError extends Error {
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** Converts an error of the SDK; `endpoint` is the address that was called. */
export function toCallError(operation: string, endpoint: string, error: unknown): AwsCallError {
  const { name, message, code, $metadata: { httpStatusCode: status } = {} } = error as SdkError;
  if (code !== undefined && status === undefined) {
    const reason = `${endpoint} does not answer (${message}): is the emulator running?`;
    return new AwsCallError(operation, code, reason, undefined, error);
  }
  return new AwsCallError(operation, name, message, status, error);
}
