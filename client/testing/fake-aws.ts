/**
 * For tests: an HTTP server with the wire formats of S3, SageMaker, its runtime and CloudWatch that the client uses.
 */
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { AddressInfo } from "node:net";
import type { StackOutputs } from "../src/outputs.ts";
import { errorAnswer, json } from "./fake-answers.ts";
import type { Answer } from "./fake-answers.ts";
import { FakeS3 } from "./fake-s3.ts";
import { outputsAt } from "./outputs-at.ts";

/** One request as the server received it. */
export interface SeenRequest {
  /** `GetObject`, `InvokeEndpointAsync`, … */
  readonly operation: string;
  /** Bucket and key, for S3. */
  readonly object: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** A fault: the answer that the server gives instead of doing its work. */
export interface Fault {
  readonly operation: string;
  /** Only for objects whose `bucket/key` contains this. */
  readonly object?: string;
  /** Number of requests. @default 1 */
  readonly times?: number;
  readonly answer:
    | { readonly status: number; readonly code: string; readonly message?: string }
    /** The work is done, and the connection breaks before the answer. */
    | "lose the answer"
    /** Nothing is done, and no answer ever comes. */
    | "hang";
}

/** A simulated end of the client: after it, nothing is answered or done. */
export interface Death {
  /** Number of the request at which it happens, from now, starting with 1. */
  readonly atRequest: number;
  /** True if that request's work is still done. */
  readonly afterWork: boolean;
  /** Called at that moment. */
  readonly onDeath: () => void;
}

/** An accepted invocation. */
export interface SeenInvocation {
  readonly inferenceId: string;
  readonly inputLocation: string;
  readonly outputLocation: string;
  readonly failureLocation: string;
  readonly headers: IncomingMessage["headers"];
}

/** A datapoint as the service sends it. */
export interface FakeDatapoint {
  /** Seconds since the epoch. @default the service's current minute */
  readonly Timestamp?: number;
  readonly Sum: number;
  readonly SampleCount: number;
  readonly Maximum?: number;
  readonly Unit?: string;
}

/** The server. Start it with {@link startFakeAws}. */
export class FakeAws implements AsyncDisposable {
  readonly s3 = new FakeS3();
  readonly invocations: SeenInvocation[] = [];
  readonly requests: SeenRequest[] = [];
  /** The service's clock, which its Date headers show. S3's show this machine's. */
  now = new Date(Math.floor(Date.now() / 1000) * 1000);
  endpoint = { EndpointStatus: "InService", CurrentInstanceCount: 0, DesiredInstanceCount: 0 };
  /** Answers of GetMetricStatistics, by metric name, or functions that make them. */
  readonly metrics = new Map<string, readonly FakeDatapoint[] | (() => readonly FakeDatapoint[])>();
  /**
   * Answers to further operations of JSON services, by the operation's name, or functions that make them from the
   * request.
   */
  readonly answers = new Map<string, object | ((input: unknown) => object)>();
  /** Called for every invocation; tests put the job's object here. */
  onInvocation: (invocation: SeenInvocation) => void = () => undefined;
  /** True if answers have the location of a failure. */
  failureLocations = true;

  /** Duration of each answer, ms. */
  answerMs = 0;
  /** Maximum number of concurrent requests. */
  maxConcurrent = 0;
  /** Maximum number of objects that were read completely at a time. */
  maxWholeReads = 0;

  #underWay = 0;
  #wholeReads = 0;
  #death: (Death & { left: number }) | undefined;
  #isDead = false;
  readonly #faults: (Fault & { left: number })[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      void this.#serve(request, response);
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Outputs of a stack on this server. */
  get outputs(): StackOutputs {
    return outputsAt(this.url);
  }

  /** Answers the next matching requests with a fault. */
  fail(fault: Fault): void {
    this.#faults.push({ ...fault, left: fault.times ?? 1 });
  }

  /** Ends all faults. */
  answerAgain(): void {
    this.#faults.length = 0;
  }

  /** Ends the client, as far as the server can see it. */
  die(death: Death): void {
    this.#death = { ...death, left: death.atRequest };
  }

  /** Serves the next client. */
  revive(): void {
    this.#death = undefined;
    this.#isDead = false;
  }

  /** Counts the requests of an operation. */
  count(operation: string): number {
    return this.requests.filter((request) => request.operation === operation).length;
  }

  /** Returns S3's objects by `bucket/key`. */
  get objects(): Map<string, Buffer> {
    return this.s3.objects;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.url);
    const object = decodeURIComponent(url.pathname.slice(1));
    const operation = operationOf(request, url);
    this.maxConcurrent = Math.max(this.maxConcurrent, ++this.#underWay);
    response.once("close", () => (this.#underWay -= 1));
    if (operation === "GetObject" && request.headers.range === undefined) {
      this.maxWholeReads = Math.max(this.maxWholeReads, ++this.#wholeReads);
      response.once("close", () => (this.#wholeReads -= 1));
    }
    const body = await buffer(request).catch(() => undefined);
    // The client broke off its upload.
    if (body === undefined) return;
    if (this.answerMs > 0) await sleep(this.answerMs);
    if (this.#isDead) {
      request.socket.destroy();
      return;
    }
    const death = this.#death;
    if (death !== undefined) death.left -= 1;
    if (death?.left === 0 && !death.afterWork) {
      this.#dieNow(death);
      return;
    }
    this.requests.push({ operation, object, headers: request.headers, body });
    const fault = this.#faults.find(
      (each) => each.left > 0 && each.operation === operation && object.includes(each.object ?? ""),
    );
    if (fault !== undefined) fault.left -= 1;
    if (fault?.answer === "hang") return;
    const isS3 = !("x-amz-target" in request.headers) && operation !== "InvokeEndpointAsync";
    const answer =
      fault === undefined || fault.answer === "lose the answer"
        ? this.#answer(operation, object, url, request.headers, body)
        : errorAnswer(isS3, fault.answer.status, fault.answer.code, fault.answer.message);
    if (death?.left === 0) {
      this.#dieNow(death);
      return;
    }
    if (fault?.answer === "lose the answer") {
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status, {
      date: (isS3 ? new Date() : this.now).toUTCString(),
      "x-amzn-requestid": `request-${this.requests.length}`,
      ...answer.headers,
    });
    response.end(operation.startsWith("Head") ? undefined : answer.body);
  }

  #dieNow(death: Death): void {
    this.#isDead = true;
    death.onDeath();
    this.#server.closeAllConnections();
  }

  #answer(operation: string, object: string, url: URL, headers: IncomingMessage["headers"], body: Buffer): Answer {
    switch (operation) {
      case "InvokeEndpointAsync":
        return this.#invoke(url, headers);
      case "DescribeEndpoint":
        return json({
          EndpointName: "video",
          EndpointStatus: this.endpoint.EndpointStatus,
          ProductionVariants: [{ VariantName: "main", ...this.endpoint }],
        });
      case "GetMetricStatistics": {
        const { MetricName } = JSON.parse(body.toString()) as { MetricName: string };
        const found = this.metrics.get(MetricName) ?? [];
        const Timestamp = Math.floor(this.now.getTime() / 60_000) * 60;
        const Datapoints = (typeof found === "function" ? found() : found).map((each) => ({ Timestamp, ...each }));
        return json({ Label: MetricName, Datapoints });
      }
      default: {
        const answer = this.answers.get(operation);
        if (typeof answer === "function") return json((answer as (input: unknown) => object)(JSON.parse(String(body))));
        if (answer !== undefined) return json(answer);
        return this.s3.answer(operation, object, url, headers, body);
      }
    }
  }

  #invoke(url: URL, headers: IncomingMessage["headers"]): Answer {
    const number = this.invocations.length + 1;
    const inferenceId = String(headers["x-amzn-sagemaker-inference-id"]);
    const invocation = {
      inferenceId,
      inputLocation: String(headers["x-amzn-sagemaker-inputlocation"]),
      // Keys that cannot be derived from anything the client knows.
      outputLocation: `s3://out/results/${crypto.randomUUID()}-${number}.out`,
      failureLocation: `s3://out/failures/${crypto.randomUUID()}-${number}-error.out`,
      headers,
    };
    if (url.pathname !== "/endpoints/video/async-invocations") {
      return errorAnswer(false, 400, "ValidationError", "Endpoint not found.");
    }
    this.invocations.push(invocation);
    this.onInvocation(invocation);
    return {
      status: 202,
      headers: {
        "content-type": "application/json",
        "x-amzn-sagemaker-outputlocation": invocation.outputLocation,
        ...(this.failureLocations ? { "x-amzn-sagemaker-failurelocation": invocation.failureLocation } : {}),
      },
      body: JSON.stringify({ InferenceId: inferenceId }),
    };
  }
}

/** Starts a server on a free port of 127.0.0.1. */
export async function startFakeAws(): Promise<FakeAws> {
  const aws = new FakeAws();
  await aws.listen();
  return aws;
}

/** Returns `s3://bucket/key` as a key of {@link FakeAws.objects}. */
export function objectKey(uri: string): string {
  return uri.replace("s3://", "");
}

function operationOf(request: IncomingMessage, url: URL): string {
  const target = request.headers["x-amz-target"];
  if (typeof target === "string") return target.split(".")[1] ?? "";
  if (url.pathname.endsWith("/async-invocations")) return "InvokeEndpointAsync";
  const query = url.searchParams;
  switch (request.method) {
    case "POST":
      return query.has("uploads") ? "CreateMultipartUpload" : "CompleteMultipartUpload";
    case "PUT":
      return query.has("partNumber") ? "UploadPart" : "PutObject";
    case "DELETE":
      return query.has("uploadId") ? "AbortMultipartUpload" : "DeleteObject";
    case "HEAD":
      return /^\/[^/]+\/?$/.test(url.pathname) ? "HeadBucket" : "HeadObject";
    default:
      return query.get("list-type") === "2" ? "ListObjectsV2" : "GetObject";
  }
}
