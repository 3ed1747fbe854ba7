/** Runs real clients of AWS against one emulator, and compares the tables of their calls in docs/clients.md: `npm run test:clients`. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { format, resolveConfig } from "prettier";
import { run } from "../../lib/child-process.ts";
import { clients, repoRoot, sagemaker3 } from "../../tools/paths.mjs";
import { callTable, withTable } from "./calls.ts";
import type { Call } from "./calls.ts";
import { startClientSession } from "./session.ts";
import type { ClientSession } from "./session.ts";

const page = join(repoRoot, "docs", "clients.md");
/** True if the tables are to be written. */
const writes = process.env["WRITE_CLIENT_TABLES"] !== undefined;
const script = (name: string): string => join(import.meta.dirname, name);

describe("clients of AWS on the emulator", function () {
  this.timeout(8 * 60_000);
  let session: ClientSession;

  before(async () => {
    session = await startClientSession();
  });
  after(async () => {
    await session[Symbol.asyncDispose]();
  });

  /** Compares a client's table on the page with the calls that it made, or writes it. */
  async function checkTable(client: string, version: string, calls: readonly Call[]): Promise<void> {
    const text = await readFile(page, "utf8");
    const table = withTable(text, client, callTable(version, calls));
    const formatted = await format(table, { ...(await resolveConfig(page)), filepath: page });
    if (writes) await writeFile(page, formatted);
    else assert.equal(text, formatted, `The table of ${client} in docs/clients.md differs: run npm run docs:clients.`);
  }

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
