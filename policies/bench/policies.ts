/** `npm run -s bench:policies`: how long the pack takes to judge a large stack, asked as the engine asks it. */
import { once } from "node:events";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Client, credentials } from "@grpc/grpc-js";
import analyzer from "@pulumi/pulumi/proto/analyzer_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import type { JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb.js";
import { type BenchResource, largeStack } from "./stack.ts";

const help = `Usage: npm run -s bench:policies -- [--resources N] [--json]

Starts the policy pack as the engine does, and has it judge every resource of a large stack one by one,
and then the stack as a whole.

  --resources N  how many resources (default: 10000)
  --json         print one JSON object on standard output: resources, seconds, violations
`;

/** Bytes: the engine's limit for a message is the same. */
const largestMessage = 400 * 1024 * 1024;

interface Served {
  readonly client: Client;
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
  if (!/^\d+$/.test(port)) throw new Error(`The pack did not say its port, but: ${port || "nothing"}`);
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.max_send_message_length": largestMessage,
    "grpc.max_receive_message_length": largestMessage,
  });
  return {
    client,
    stop: async () => {
      client.close();
      child.kill();
      await ended;
    },
  };
}

function options(): InstanceType<typeof analyzer.AnalyzerResourceOptions> {
  const set = new analyzer.AnalyzerResourceOptions();
  set.setProtect(true);
  return set;
}

function requestOf({ type, name, urn, props }: BenchResource): InstanceType<typeof analyzer.AnalyzeRequest> {
  const request = new analyzer.AnalyzeRequest();
  request.setType(type);
  request.setName(name);
  request.setUrn(urn);
  request.setProperties(struct.Struct.fromJavaScript(props as Record<string, JavaScriptValue>));
  request.setOptions(options());
  return request;
}

function resourceOf({
  type,
  name,
  urn,
  props,
  dependsOn,
}: BenchResource): InstanceType<typeof analyzer.AnalyzerResource> {
  const resource = new analyzer.AnalyzerResource();
  resource.setType(type);
  resource.setName(name);
  resource.setUrn(urn);
  resource.setProperties(struct.Struct.fromJavaScript(props as Record<string, JavaScriptValue>));
  resource.setOptions(options());
  resource.setDependenciesList(Object.values(dependsOn).flat());
  for (const [property, urns] of Object.entries(dependsOn)) {
    const dependencies = new analyzer.AnalyzerPropertyDependencies();
    dependencies.setUrnsList([...urns]);
    resource.getPropertydependenciesMap().set(property, dependencies);
  }
  return resource;
}

/** Asks the pack. Messages go as bytes, so that the time measured is the pack's and not that of making them. */
async function ask(client: Client, method: "Analyze" | "AnalyzeStack", message: Buffer): Promise<Buffer> {
  const bytes = (value: Buffer): Buffer => value;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(`/pulumirpc.Analyzer/${method}`, bytes, bytes, message, (error, answer) => {
      if (answer === undefined) reject(error ?? new Error(`${method} got no answer.`));
      else resolve(answer);
    });
  });
}

async function bench(count: number): Promise<{ resources: number; seconds: number; violations: number }> {
  const stack = largeStack(count);
  const requests = stack.map((resource) => Buffer.from(requestOf(resource).serializeBinary()));
  const wholeStack = new analyzer.AnalyzeStackRequest();
  wholeStack.setResourcesList(stack.map(resourceOf));
  const whole = Buffer.from(wholeStack.serializeBinary());
  const { client, stop } = await servePack();
  try {
    const answers: Buffer[] = [];
    const started = performance.now();
    for (const request of requests) answers.push(await ask(client, "Analyze", request));
    answers.push(await ask(client, "AnalyzeStack", whole));
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
      : `${result.resources} resources judged in ${result.seconds} s, ${result.violations} reports.\n`,
  );
}
