/**
 * For tests: an HTTP server with the wire formats of S3, SageMaker, its runtime and CloudWatch that the client uses.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { errorAnswer, FakeAwsServer, json } from "../../lib/testing/fake-aws.ts";
import type { Answer, FakeRequest } from "../../lib/testing/fake-aws.ts";
import { jobRecordSchema } from "../src/job-record.ts";
import type { JobRecord } from "../src/job-record.ts";
import type { StackOutputs } from "../src/outputs.ts";
import { FakeS3 } from "./fake-s3.ts";
import { outputsAt } from "./outputs-at.ts";

/** One request as the server received it. */
export interface SeenRequest {
  /** `GetObject`, `InvokeEndpointAsync`, …; `PutRecord` and `GetRecord` for the records of jobs. */
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
export class FakeAws extends FakeAwsServer {
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

  /** How the stack's endpoint gets a video. */
  requestMode: StackOutputs["requests"] = "payload";

  /** Duration of each answer, ms. */
  answerMs = 0;
  /** Maximum number of concurrent requests, without those for records. */
  maxConcurrent = 0;
  /** Maximum number of concurrent requests for records. */
  maxConcurrentRecords = 0;
  /** Maximum number of objects that were read completely at a time. */
  maxWholeReads = 0;

  #underWay = 0;
  #recordsUnderWay = 0;
  #wholeReads = 0;
  #death: (Death & { left: number }) | undefined;
  #isDead = false;
  readonly #faults: (Fault & { left: number })[] = [];

  constructor() {
    super((request, response) => this.#respond(request, response));
  }

  /** Outputs of a stack on this server. */
  get outputs(): StackOutputs {
    return { ...outputsAt(this.url), requests: this.requestMode };
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

  /**
   * Returns the record of a job.
   * @throws Error if there is none, or if it is not valid
   */
  record(id: string): JobRecord {
    return jobRecordSchema.parse(JSON.parse(String(this.objects.get(`out/jobs/${id}.json`))));
  }

  /** Counts the requests of an operation. */
  count(operation: string): number {
    return this.requests.filter((request) => request.operation === operation).length;
  }

  /** Returns S3's objects by `bucket/key`. */
  get objects(): Map<string, Buffer> {
    return this.s3.objects;
  }

  async #respond(request: FakeRequest, response: ServerResponse): Promise<Answer | "hang" | "break"> {
    const { url, headers, body } = request;
    const object = decodeURIComponent(url.pathname.slice(1));
    const operation = request.operation ?? restOperationOf(request);
    if (operation.endsWith("Record")) {
      this.maxConcurrentRecords = Math.max(this.maxConcurrentRecords, ++this.#recordsUnderWay);
      response.once("close", () => (this.#recordsUnderWay -= 1));
    } else {
      this.maxConcurrent = Math.max(this.maxConcurrent, ++this.#underWay);
      response.once("close", () => (this.#underWay -= 1));
    }
    if (operation === "GetObject" && headers.range === undefined) {
      this.maxWholeReads = Math.max(this.maxWholeReads, ++this.#wholeReads);
      response.once("close", () => (this.#wholeReads -= 1));
    }
    if (this.answerMs > 0) await sleep(this.answerMs);
    if (this.#isDead) return "break";
    const death = this.#death;
    if (death !== undefined) death.left -= 1;
    if (death?.left === 0 && !death.afterWork) {
      this.#dieNow(death);
      return "break";
    }
    this.requests.push({ operation, object, headers, body });
    const fault = this.#faults.find(
      (each) => each.left > 0 && each.operation === operation && object.includes(each.object ?? ""),
    );
    if (fault !== undefined) fault.left -= 1;
    if (fault?.answer === "hang") return "hang";
    const isS3 = request.operation === undefined && operation !== "InvokeEndpointAsync";
    const answer =
      fault === undefined || fault.answer === "lose the answer"
        ? this.#answer(operation, object, url, headers, body)
        : errorAnswer(isS3 ? "s3" : "json", fault.answer.status, fault.answer.code, fault.answer.message);
    if (death?.left === 0) {
      this.#dieNow(death);
      return "break";
    }
    if (fault?.answer === "lose the answer") return "break";
    const date = (isS3 ? new Date() : this.now).toUTCString();
    const requestId = `request-${this.requests.length}`;
    return { ...answer, headers: { date, "x-amzn-requestid": requestId, ...answer.headers } };
  }

  #dieNow(death: Death): void {
    this.#isDead = true;
    death.onDeath();
    this.breakConnections();
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
        return this.s3.answer(operation.replace("Record", "Object"), object, url, headers, body);
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
      return errorAnswer("json", 400, "ValidationError", "Endpoint not found.");
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
  return await new FakeAws().listen();
}

/** Returns `s3://bucket/key` as a key of {@link FakeAws.objects}. */
export function objectKey(uri: string): string {
  return uri.replace("s3://", "");
}

/** Names a request of the runtime or of S3. */
function restOperationOf({ method, url }: FakeRequest): string {
  if (url.pathname.endsWith("/async-invocations")) return "InvokeEndpointAsync";
  const query = url.searchParams;
  const isRecord = url.pathname.startsWith("/out/jobs/");
  if (isRecord && (method === "PUT" || method === "GET")) return method === "PUT" ? "PutRecord" : "GetRecord";
  switch (method) {
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
