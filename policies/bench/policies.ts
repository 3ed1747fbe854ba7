/** `npm run -s bench:policies`: measures how long the pack takes to evaluate a large stack over the engine's protocol. */
import { once } from "node:events";
import { spawn } from "node:child_process";
import { connect } from "node:http2";
import type { ClientHttp2Session } from "node:http2";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { parseArgs } from "node:util";
import analyzer from "@pulumi/pulumi/proto/analyzer_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import type { JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb.js";
import { largeStack } from "./stack.ts";
import type { BenchResource } from "./stack.ts";

const help = `Usage: npm run -s bench:policies -- [--resources N] [--json]

Starts the policy pack as the engine does, and measures how long it takes to evaluate every resource
of a large stack one by one, and then the stack as a whole.

  --resources N  number of resources (default: 10000)
  --json         print one JSON object on standard output: resources, seconds, violations
`;

/** Bytes before a gRPC message: the compression flag, and its length. */
const lengthPrefix = 5;

interface Served {
  readonly session: ClientHttp2Session;
  readonly stop: () => Promise<void>;
}

async function servePack(): Promise<Served> {
  const folder = join(import.meta.dirname, "..");
  const child = spawn(process.execPath, [join(folder, "index.mjs")], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  const lines = createInterface(child.stdout);
  const first = await Promise.race([once(lines, "line"), ended.then(() => undefined)]);
  const port = String(first?.[0] ?? "");
  if (!/^\d+$/.test(port)) throw new Error(`The pack must print its port, but printed: ${port || "nothing"}`);
  const session = connect(`http://127.0.0.1:${port}`);
  return {
    session,
    stop: async () => {
      session.destroy();
      child.kill();
      await ended;
    },
  };
}

/** The fields that the requests for a resource and for a stack have in common. */
interface Described {
  setType(type: string): void;
  setName(name: string): void;
  setUrn(urn: string): void;
  setProperties(properties: InstanceType<typeof struct.Struct>): void;
  setOptions(options: InstanceType<typeof analyzer.AnalyzerResourceOptions>): void;
}

function describe<Message extends Described>(message: Message, { type, name, urn, props }: BenchResource): Message {
  const options = new analyzer.AnalyzerResourceOptions();
  options.setProtect(true);
  message.setType(type);
  message.setName(name);
  message.setUrn(urn);
  message.setProperties(struct.Struct.fromJavaScript(props as Record<string, JavaScriptValue>));
  message.setOptions(options);
  return message;
}

function resourceOf(described: BenchResource): InstanceType<typeof analyzer.AnalyzerResource> {
  const resource = describe(new analyzer.AnalyzerResource(), described);
  resource.setDependenciesList(Object.values(described.dependsOn).flat());
  for (const [property, urns] of Object.entries(described.dependsOn)) {
    const dependencies = new analyzer.AnalyzerPropertyDependencies();
    dependencies.setUrnsList([...urns]);
    resource.getPropertydependenciesMap().set(property, dependencies);
  }
  return resource;
}

/**
 * Calls the pack with gRPC's wire format over HTTP/2: a length before each message, a status at the end. A gRPC client in Node
 * takes a large part of a call, which would distort the pack's time. The engine's client is compiled.
 */
async function ask(
  session: ClientHttp2Session,
  method: "Analyze" | "AnalyzeStack",
  message: Uint8Array,
): Promise<Uint8Array> {
  const prefix = Buffer.alloc(lengthPrefix);
  prefix.writeUInt32BE(message.length, 1);
  const stream = session.request({
    ":method": "POST",
    ":path": `/pulumirpc.Analyzer/${method}`,
    "content-type": "application/grpc",
    te: "trailers",
  });
  let status: unknown = "none";
  const note = (headers: Readonly<Record<string, unknown>>): void => {
    status = headers["grpc-status"] ?? status;
  };
  // A response without a message has its status in the headers.
  stream.on("response", note).on("trailers", note);
  stream.end(Buffer.concat([prefix, message]));
  const answer = await buffer(stream);
  if (status !== "0") throw new Error(`The pack answered ${method} with the gRPC status ${String(status)}.`);
  return answer.subarray(lengthPrefix);
}

async function bench(count: number): Promise<{ resources: number; seconds: number; violations: number }> {
  const stack = largeStack(count);
  const requests = stack.map((resource) => describe(new analyzer.AnalyzeRequest(), resource).serializeBinary());
  const wholeStack = new analyzer.AnalyzeStackRequest();
  wholeStack.setResourcesList(stack.map(resourceOf));
  const whole = wholeStack.serializeBinary();
  const { session, stop } = await servePack();
  try {
    const answers: Uint8Array[] = [];
    const started = performance.now();
    for (const request of requests) answers.push(await ask(session, "Analyze", request));
    answers.push(await ask(session, "AnalyzeStack", whole));
    const seconds = Math.round((performance.now() - started) / 10) / 100;
    const diagnostics = answers.flatMap((bytes) =>
      analyzer.AnalyzeResponse.deserializeBinary(bytes).getDiagnosticsList(),
    );
    return { resources: stack.length, seconds, violations: diagnostics.length };
  } finally {
    await stop();
  }
}

const { values } = parseArgs({
  options: {
    resources: { type: "string", default: "10000" },
    json: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  },
});
const count = Number(values.resources);
if (values.help === true) {
  process.stdout.write(help);
} else if (!Number.isInteger(count) || count < 1) {
  process.stderr.write(`--resources takes a whole number above 0.\n\n${help}`);
  process.exitCode = 2;
} else {
  const result = await bench(count);
  process.stdout.write(
    values.json === true
      ? `${JSON.stringify(result)}\n`
      : `${result.resources} resources evaluated in ${result.seconds} s, ${result.violations} reports.\n`,
  );
}
