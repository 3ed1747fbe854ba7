/** Runs real clients of AWS against one emulator, and compares the tables of their calls in docs/clients.md: `npm run test:clients`. */
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { run } from "../../lib/child-process.ts";
import { clients, sagemaker3 } from "../../tools/paths.mjs";
import { checkTable } from "./page.ts";
import { startClientSession } from "./session.ts";
import type { ClientSession } from "./session.ts";

const script = (name: string): string => join(import.meta.dirname, name);

/** Returns whether a command is AWS CLI 2. */
async function isCli2(command: string): Promise<boolean> {
  try {
    return (await run([command, "--version"], { limit: 60_000 })).stdout.startsWith("aws-cli/2.");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

describe("clients of AWS on the emulator", function () {
  this.timeout(13 * 60_000);
  let session: ClientSession;

  before(async () => {
    session = await startClientSession();
  });
  after(async () => {
    await session[Symbol.asyncDispose]();
  });

  /** Returns the versions of Python packages, such as "boto3 1.44.8". */
  async function versions(python: string, ...names: readonly string[]): Promise<string> {
    const list = names.map((name) => `"${name}"`).join(", ");
    const code = `from importlib.metadata import version\nprint(", ".join(f"{name} {version(name)}" for name in [${list}]))`;
    const { stdout } = await run([python, "-c", code], { limit: 60_000 });
    return stdout.trim();
  }

  it("boto3: the life of an endpoint, with waiters, paginators, autoscaling, metrics and logs", async () => {
    await session.run("boto3", [clients.python, script("boto3_life.py")]);
    await checkTable("boto3", await versions(clients.python, "boto3"), await session.calls("boto3"));
  });

  it("AWS CLI 1: the same by commands", async () => {
    const aws = join(clients.root, "bin", "aws");
    await session.run("aws-cli-1", ["bash", script("aws_cli.sh"), aws, clients.python]);
    await checkTable("aws-cli-1", await versions(clients.python, "awscli"), await session.calls("aws-cli-1"));
  });

  it("AWS CLI 2: the same, if it is on the PATH", async function () {
    if (!(await isCli2("aws"))) {
      console.log("Skipped: the command aws on the PATH is not AWS CLI 2.");
      this.skip();
    }
    await session.run("aws-cli-2", ["bash", script("aws_cli.sh"), "aws", clients.python], { AWS_PAGER: "" });
  });

  it("SageMaker SDK v2: a notebook's PyTorchModel with a local handler, and a Model", async () => {
    await session.run("sagemaker-2", [clients.python, script("sdk_v2.py")]);
    await checkTable("sagemaker-2", await versions(clients.python, "sagemaker"), await session.calls("sagemaker-2"));
  });

  it("SageMaker SDK v3: the resource classes", async () => {
    await session.run("sagemaker-3", [sagemaker3.python, script("sdk_v3.py")]);
    const version = await versions(sagemaker3.python, "sagemaker-core");
    await checkTable("sagemaker-3", version, await session.calls("sagemaker-3"));
  });
});
