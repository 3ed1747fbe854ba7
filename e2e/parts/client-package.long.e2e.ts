/** Tests for the client's package: it is packed, installed in an empty folder, and runs the example of its README. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { after, before, describe, it } from "mocha";
import { objectKey, startFakeAws } from "../../client/testing/fake-aws.ts";
import type { FakeAws } from "../../client/testing/fake-aws.ts";
import { currentResult } from "../../client/testing/sample-result.ts";
import clientPackage from "../../client/package.json" with { type: "json" };

const root = join(import.meta.dirname, "..", "..");
const modules = join(root, "node_modules");

describe("the client's package", () => {
  let folder: string;
  let aws: FakeAws;

  const run = async (command: string, ...args: readonly string[]) =>
    await promisify(execFile)(command, args, {
      cwd: folder,
      timeout: 240_000,
      env: { ...process.env, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" },
    }).catch((error: unknown) => {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      assert.fail(`${command} ${args.join(" ")}\n${stdout}\n${stderr}`);
    });

  before(async () => {
    aws = await startFakeAws();
    folder = await mkdtemp(join(tmpdir(), "client-package-"));
    const { stdout } = await run("npm", "pack", join(root, "client"), "--json", "--silent");
    const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf("["))) as [{ filename: string }];
    // Only the declared dependencies, from the repository: the test needs no registry.
    const names = [...Object.keys(clientPackage.dependencies), "@types/node"];
    const dependencies = Object.fromEntries(names.map((name) => [name, `file:${join(modules, name)}`]));
    const wanted = { ...dependencies, [clientPackage.name]: `file:${filename}` };
    await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module", dependencies: wanted }));
    await run("npm", "install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts");
    await writeFile(join(folder, "outputs.json"), JSON.stringify(aws.outputs));
    await copyFile(join(root, "model", "samples", "street.mp4"), join(folder, "street.mp4"));
    const [, example = ""] = /```ts\n([^]*?)```/.exec(await readFile(join(root, "client", "README.md"), "utf8")) ?? [];
    assert.ok(example.split("\n").length <= 11, "the example has at most ten lines");
    await writeFile(join(folder, "example.ts"), example);
  });

  after(async () => {
    await aws[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  it("has types for its users", async () => {
    // A declaration that does not resolve would be `any`, which every assignment accepts.
    const types = `import { Client, InputError, ClientError } from "async-video-client";
      using client = await Client.connect({ stack: "dev" });
      const job = await client.submit("a.mp4", { masks: true, ttlSeconds: 60 });
      const error: ClientError = new InputError("no");
      // @ts-expect-error
      const id: number = job.inferenceId;
      // @ts-expect-error
      await client.submit("a.mp4", { frames: 2 });
      console.log(id, error.hint);\n`;
    await writeFile(join(folder, "types.ts"), types);
    const options = ["--strict", "--noEmit", "--skipLibCheck", "--module", "nodenext", "--target", "esnext"];
    await run(join(modules, ".bin", "tsc"), ...options, "--types", "node", "example.ts", "types.ts");
  });

  it("runs the example of its README", async () => {
    aws.onInvocation = ({ outputLocation }) => {
      aws.objects.set(objectKey(outputLocation), Buffer.from(JSON.stringify(currentResult)));
    };
    const { stdout } = await run(process.execPath, "example.ts");
    const [frame] = currentResult.frames;
    assert.equal(stdout.split("\n").length - 1, currentResult.frames.length);
    assert.equal(
      stdout.split("\n")[0],
      `${frame!.timestamp} ${frame!.detections.map(({ label }) => label).join(", ")}`,
    );
    assert.match(String(aws.invocations[0]?.headers["x-amzn-sagemaker-custom-attributes"]), /^fps=2;score=0\.6;/);
  });
});
