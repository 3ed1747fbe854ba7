import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, it } from "mocha";
import { checkOutputs, readOutputs } from "./outputs.ts";
import type { StackOutputs } from "./outputs.ts";
import { SetupError } from "./errors.ts";

const good: StackOutputs = {
  endpointName: "endpoint-1234567",
  variantName: "main",
  region: "eu-west-1",
  inputBucket: "in",
  inputPrefix: "videos/",
  sourceLocations: ["s3://source/clips/"],
  requests: "reference",
  outputLocation: "s3://out/results",
  failureLocation: "s3://out/failures/",
  successTopicArn: "arn:aws:sns:eu-west-1:123456789012:success",
  errorTopicArn: "arn:aws:sns:eu-west-1:123456789012:error",
  successQueueUrl: "https://sqs.eu-west-1.amazonaws.com/123456789012/success",
  errorQueueUrl: "https://sqs.eu-west-1.amazonaws.com/123456789012/error",
  maxConcurrency: 2,
  instanceType: "ml.g4dn.xlarge",
  maxCapacity: 5,
  maxResponseSize: 128,
  requireGpu: true,
  maxRequestSize: 1024,
  invocationTimeout: 900,
  sampleFps: 0.5,
};

describe("a stack's outputs", () => {
  let root: string;
  const searchPath = process.env["PATH"];

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "outputs-"));
    for (const stack of ["dev", "pr", "prod"]) await writeFile(join(root, `Pulumi.${stack}.yaml`), "");
  });

  afterEach(async () => {
    process.env["PATH"] = searchPath;
    await rm(root, { recursive: true });
  });

  it("of the local stack are in .local/outputs.json", async () => {
    const local = { ...good, awsEndpointUrl: "http://127.0.0.1:4566" };
    await mkdir(join(root, ".local"));
    await writeFile(join(root, ".local", "outputs.json"), JSON.stringify(local));
    assert.deepEqual(await readOutputs({}, root), local);
    assert.deepEqual(await readOutputs({ stack: "local" }, root), local);
  });

  describe("of the local stack, in Pulumi's state", () => {
    const folder = () => join(root, ".local", "pulumi", ".pulumi", "stacks", "async-video-inference");
    const local = { ...good, awsEndpointUrl: "http://127.0.0.1:4566" };

    const write = async (resources: readonly object[]): Promise<void> => {
      await mkdir(folder(), { recursive: true });
      await writeFile(join(root, ".local", "outputs.json"), JSON.stringify(local));
      const checkpoint = { version: 3, checkpoint: { stack: "organization/x/local", latest: { resources } } };
      await writeFile(join(folder(), "local.json"), JSON.stringify(checkpoint));
    };

    it("are those of the last update, even if it was manual", async () => {
      await write([
        { type: "aws:s3/bucket:Bucket", outputs: { maxCapacity: 9 } },
        { type: "pulumi:pulumi:Stack", outputs: { ...local, maxCapacity: 1 } },
      ]);
      assert.equal((await readOutputs({ stack: "local" }, root)).maxCapacity, 1);
    });

    it("are missing after a manual destroy", async () => {
      await write([]);
      await assert.rejects(readOutputs({}, root), {
        name: "SetupError",
        message: /it was destroyed.*pulumi up --stack local/,
      });
    });

    it("are refused if the state is damaged", async () => {
      await write([]);
      await writeFile(join(folder(), "local.json"), "{");
      await assert.rejects(readOutputs({}, root), { name: "SetupError", message: /is not a checkpoint of Pulumi/ });
    });
  });

  it("are missing with instructions to start a local stack if none is running", async () => {
    await assert.rejects(readOutputs({ stack: "local" }, root), {
      name: "SetupError",
      message: /outputs\.json \(ENOENT\).*npm run local:up/,
    });
  });

  it("come from a file if one is named", async () => {
    const file = join(root, "outputs.json");
    await writeFile(file, JSON.stringify(good));
    assert.deepEqual(await readOutputs({ outputs: file }, root), good);
    await assert.rejects(readOutputs({ outputs: `${file}.none` }, root), /ENOENT.*--outputs/);
  });

  const fakePulumi = async (script: string): Promise<void> => {
    await writeFile(join(root, "pulumi"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    process.env["PATH"] = `${root}${delimiter}${searchPath ?? ""}`;
  };

  it("of any other stack are read by Pulumi in the project's folder", async () => {
    await fakePulumi(`[ "$*" = "stack output --json --stack org/dev" ] && [ "$PWD" = "${root}" ] && cat outputs.json`);
    await writeFile(join(root, "outputs.json"), JSON.stringify(good));
    assert.deepEqual(await readOutputs({ stack: "org/dev" }, root), good);
  });

  it("are missing with Pulumi's reason", async () => {
    await fakePulumi("echo \"error: no stack named 'dev' found\" >&2; exit 255");
    await assert.rejects(readOutputs({ stack: "dev" }, root), /stack dev: no stack named 'dev' found\. Log in/);
  });

  it("of an unknown stack are missing with the list of stacks, without calling Pulumi", async () => {
    process.env["PATH"] = root;
    await assert.rejects(readOutputs({ stack: "nope" }, root), {
      name: "SetupError",
      message: /no stack nope \(no Pulumi\.nope\.yaml\); it has dev, prod\. Check --stack/,
    });
  });

  it("are read by the project's Pulumi if none is on the PATH", async () => {
    process.env["PATH"] = root;
    await mkdir(join(root, "tools"));
    await writeFile(join(root, "tools", "pulumi.mjs"), `console.log(${JSON.stringify(JSON.stringify(good))})`);
    assert.deepEqual(await readOutputs({ stack: "dev" }, root), good);
  });

  it("are missing after a time limit if Pulumi does not answer", async () => {
    await writeFile(join(root, "pulumi"), "#!/bin/sh\nexec sleep 60\n", { mode: 0o755 });
    process.env["PATH"] = `${root}:${searchPath ?? ""}`;
    await assert.rejects(
      readOutputs({ stack: "dev" }, root, 200),
      /Pulumi did not read the outputs of stack dev within 0\.2 s/,
    );
  });

  it("are missing with the fix if there is no Pulumi", async () => {
    process.env["PATH"] = root;
    await assert.rejects(readOutputs({ stack: "dev" }, root), /Pulumi CLI is not on the PATH.*--outputs/);
  });

  it("may have unknown members", () => {
    assert.deepEqual(checkOutputs({ ...good, dashboardUrl: "https://example.com" }, "outputs"), good);
  });

  it("may be those of an older program, which had no source buckets", () => {
    assert.deepEqual(checkOutputs({ ...good, sourceLocations: undefined }, "outputs").sourceLocations, []);
  });

  it("may be those of an older program, whose requests contained their videos", () => {
    assert.equal(checkOutputs({ ...good, requests: undefined }, "outputs").requests, "payload");
  });

  for (const name of ["maxResponseSize", "maxRequestSize", "invocationTimeout", "sampleFps"]) {
    it(`may be those of an older program, which did not have ${name}`, () => {
      const older: object = { ...good, [name]: undefined };
      assert.deepEqual(checkOutputs(older, "outputs"), older);
    });
  }

  for (const [name, broken] of Object.entries({
    endpointName: "a/../../out",
    awsEndpointUrl: "localhost:4566",
    outputLocation: "https://out/results",
    successTopicArn: "topic",
    maxConcurrency: "2",
    maxCapacity: undefined,
    sourceLocations: ["source"],
    maxResponseSize: 0,
    requireGpu: "true",
    maxRequestSize: 0,
    invocationTimeout: 0.5,
    sampleFps: 0,
  })) {
    it(`are refused by name if ${name} is ${inspect(broken)}`, () => {
      assert.throws(
        () => checkOutputs({ ...good, [name]: broken }, "file.json"),
        (error) => error instanceof SetupError && /^file\.json: (\w+)/.exec(error.message)?.[1] === name,
      );
    });
  }

  it("are refused in one short line if the file is something else", () => {
    assert.throws(() => checkOutputs({ name: "package" }, "package.json"), {
      message:
        "package.json: endpointName is missing; variantName is missing; region is missing, and 11 more. Deploy the stack with this version of the program first.",
    });
  });

  it("are refused if they are not JSON", async () => {
    const file = join(root, "outputs.json");
    await writeFile(file, "endpointName=x");
    await assert.rejects(readOutputs({ outputs: file }, root), /is not JSON.*pulumi stack output --json/);
  });
});
