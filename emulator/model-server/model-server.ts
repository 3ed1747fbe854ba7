/** A running instance: passes a request's object from S3 to the model server, and its answer back to S3, as streams. */

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Instance, InstanceUsage, RunOutcome, RunTimings } from "../core/worker.ts";
import { isAccessDenied } from "../aws-ports.ts";
import type { ObjectContent, ObjectStore } from "../aws-ports.ts";
import type { GuardedProcess } from "../processes/guarded.ts";
import { formatS3Location } from "../s3-location.ts";
import { embeddedResponseLimit } from "../services/sagemaker/invocation.ts";
import type { Invocation } from "../services/sagemaker/invocation.ts";
import { invoke, keepStart, readStart } from "./http.ts";
import type { ModelResponse, ServerSocket } from "./http.ts";

/** A server that accepts requests. */
export interface RunningServer {
  readonly socket: ServerSocket;
  readonly process: GuardedProcess;
}

/** Parts of a running instance. */
export interface ModelServerParts {
  readonly server: RunningServer;
  readonly objects: ObjectStore;
  /** Removes the instance's folders. */
  readonly cleanUp: () => Promise<void>;
  /** Measures the use of its resources. @default not measured */
  readonly usage?: () => InstanceUsage;
}

/** Maximum size of an input. Source: developer guide, "Asynchronous inference". */
const inputLimit = 1024 ** 3;
/** Maximum number of bytes of a model's error answer that are kept. */
const errorLimit = 1024 ** 2;

/** Real ms to wait for the end of the server's process after a broken connection, to find the reason. */
const endDelay = 1_000;

/** An instance that runs requests on its model server. */
export class ModelServer implements Instance<Invocation> {
  /** Resolves if its server has ended without being stopped. SageMaker replaces a container that no longer answers. */
  readonly lost: Promise<string>;
  readonly #parts: ModelServerParts;
  #stopping: Promise<void> | undefined;

  constructor(parts: ModelServerParts) {
    this.#parts = parts;
    this.lost = parts.server.process.ended.then((how) => `its model server has ended (${how})`);
  }

  async run(invocation: Invocation, signal: AbortSignal): Promise<RunOutcome> {
    invocation.answer = undefined;
    const started = performance.now();
    const progress: { stage: keyof RunTimings; isCutOff: boolean } = { stage: "download", isCutOff: false };
    const onCutOff = (): void => {
      progress.isCutOff = true;
    };
    try {
      const input = await this.#parts.objects.get(invocation.input, signal);
      const refusal = refusalOf(invocation, input);
      if (input === undefined || refusal !== undefined) {
        return { status: "failed", reason: refusal ?? "", stage: "download", timings: {} };
      }
      const asked = ask(this.#parts.server.socket, invocation, input, signal, () => {
        progress.stage = "model";
      });
      asked.catch(onCutOff);
      const { response, sentAt } = await asked;
      response.body.once("error", onCutOff);
      const answeredAt = performance.now();
      const timings: RunTimings = { download: sentAt - started, model: answeredAt - sentAt };
      if (response.status < 200 || response.status > 299) {
        return await modelFailure(invocation, response, timings);
      }
      progress.stage = "upload";
      await this.#store(invocation, response, signal);
      return { status: "completed", timings: { ...timings, upload: performance.now() - answeredAt } };
    } catch (error) {
      // Then the instance is lost, including the requests in process.
      if (progress.isCutOff && !signal.aborted && (await this.#hasEnded())) await aborted(signal);
      const { stage } = progress;
      return { status: "failed", reason: failureReason(stage, invocation, error), stage, timings: {} };
    }
  }

  usage(): InstanceUsage {
    return this.#parts.usage?.() ?? {};
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#parts.server.process.stop().then(this.#parts.cleanUp);
    return this.#stopping;
  }

  /** Tells whether the server has ended; after an error, its end may not be known yet. */
  async #hasEnded(): Promise<boolean> {
    const late = new AbortController();
    const still = sleep(endDelay, true, { signal: late.signal }).catch(() => true);
    const isRunning = await Promise.race([still, this.#parts.server.process.ended.then(() => false)]);
    late.abort();
    return !isRunning;
  }

  async #store(invocation: Invocation, response: ModelResponse, signal: AbortSignal): Promise<void> {
    const { output } = invocation;
    const kept = keepStart(response.body, embeddedResponseLimit);
    await this.#parts.objects.put(
      output,
      kept.body,
      { contentType: response.contentType, kmsKeyId: output.kmsKeyId },
      signal,
    );
    invocation.answer = { contentType: response.contentType, body: kept.whole() };
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

async function ask(
  socket: ServerSocket,
  invocation: Invocation,
  input: ObjectContent,
  signal: AbortSignal,
  onSent: () => void,
): Promise<{ response: ModelResponse; sentAt: number }> {
  let sentAt: number | undefined;
  const response = await invoke(socket, {
    headers: modelHeaders(invocation),
    body: input.body,
    size: input.size,
    signal,
    onSent() {
      sentAt = performance.now();
      onSent();
    },
  });
  // A model that answers before it has read everything has still received its input.
  return { response, sentAt: sentAt ?? performance.now() };
}

/**
 * Returns the headers for the model. It is unconfirmed which headers reach a container of an asynchronous endpoint
 * beyond content type, accept and custom attributes.
 */
function modelHeaders({ contentType, accept, customAttributes, inferenceId }: Invocation): Record<string, string> {
  return {
    ...(contentType === undefined ? {} : { "Content-Type": contentType }),
    ...(accept === undefined ? {} : { Accept: accept }),
    ...(customAttributes === undefined ? {} : { "X-Amzn-SageMaker-Custom-Attributes": customAttributes }),
    "X-Amzn-SageMaker-Inference-Id": inferenceId,
  };
}

// AWS's messages for inputs that cannot be fetched are unconfirmed.
function refusalOf(invocation: Invocation, input: ObjectContent | undefined): string | undefined {
  const where = formatS3Location(invocation.input);
  if (input === undefined) return `ClientError: Could not download the input: there is no object at ${where}.`;
  if (input.size <= inputLimit) return undefined;
  input.body.destroy();
  return `ClientError: The input at ${where} has ${input.size} bytes; an asynchronous endpoint accepts up to ${inputLimit}.`;
}

async function modelFailure(invocation: Invocation, response: ModelResponse, timings: RunTimings): Promise<RunOutcome> {
  const body = await readStart(response.body, errorLimit);
  invocation.answer = { contentType: response.contentType, body };
  const kind = response.status < 500 ? "client error" : "server error";
  // Observed for 500; the wording for other statuses is unconfirmed, and so is whether it ever quotes the model.
  const reason = `ClientError: Received ${kind} (${response.status}) from model. See the SageMaker Endpoint logs in your account for more information.`;
  return { status: "failed", reason, modelStatus: response.status, timings };
}

function failureReason(stage: keyof RunTimings, invocation: Invocation, error: unknown): string {
  const [why = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
  switch (stage) {
    case "download":
      if (isAccessDenied(error))
        return `ClientError: Could not download the input at ${formatS3Location(invocation.input)}: ${why}`;
      return `ClientError: Could not pass the input at ${formatS3Location(invocation.input)} to the model: ${why}`;
    case "model":
      return `ClientError: The model did not complete its response: ${why}`;
    case "upload":
      return `ClientError: Could not pass the response on to ${formatS3Location(invocation.output)}: ${why}`;
  }
}
