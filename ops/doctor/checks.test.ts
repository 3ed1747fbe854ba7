/** Tests the doctor's whole examination, of a stack from its file and as a command. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, it } from "mocha";
import { InvalidInputError } from "../../lib/errors.ts";
import { examine } from "./checks.ts";
import type { Finding } from "./finding.ts";
import { reportOf } from "./report.ts";
import { readStackFile } from "./stack-file.ts";
import { accountId, Refusal, startFakeAws } from "./testing/fake-aws.ts";
import type { FakeAws } from "./testing/fake-aws.ts";

const config = (lines: readonly string[]): string => `config:\n${lines.map((line) => `  ${line}\n`).join("")}`;
const good = [
  "aws:region: us-east-1",
  `aws:allowedAccountIds: ["${accountId}"]`,
  "async-video-inference:modelArtifact: model.tar.gz",
  "async-video-inference:maxCapacity: 2",
];

describe("the doctor", () => {
  let aws: FakeAws;
  let root: string;

  beforeEach(async () => {
    aws = await startFakeAws();
    root = await mkdtemp(join(tmpdir(), "doctor-"));
    await writeFile(join(root, "Pulumi.yaml"), "name: async-video-inference\nruntime: nodejs\n");
  });

  afterEach(async () => {
    await aws[Symbol.asyncDispose]();
    await rm(root, { recursive: true });
  });

  async function examined(lines: readonly string[], file = "", name = "dev"): Promise<Map<string, Finding>> {
    await writeFile(join(root, `Pulumi.${name}.yaml`), file + config(lines));
    const { endpoint, credentials } = aws.access;
    const findings = await examine(await readStackFile(root, name), {
      env: {
        PULUMI_BACKEND_URL: "s3://state/dev?region=us-east-1",
        ...(name === "local" ? { AWS_ENDPOINT_URL: endpoint } : {}),
      },
      home: root,
      aws: { endpoint, credentials },
      listStacks: () => Promise.resolve([]),
    });
    return new Map(findings.map((finding) => [finding.check, finding]));
  }

  it("makes no request about a stack on AWS in a shell with another AWS_ENDPOINT_URL", async () => {
    await writeFile(join(root, "Pulumi.dev.yaml"), config(good));
    const { endpoint, credentials } = aws.access;
    const findings = await examine(await readStackFile(root, "dev"), {
      env: { AWS_ENDPOINT_URL: "http://127.0.0.1:4566" },
      home: root,
      aws: { endpoint, credentials },
      listStacks: () => Promise.resolve([]),
    });
    assert.deepEqual(
      findings.map(({ check, status }) => [check, status]),
      [["shell", "problem"]],
    );
    assert.match(reportOf(findings), /AWS_ENDPOINT_URL is http:\/\/127\.0\.0\.1:4566[^]*new shell/);
  });

  it("runs all checks, in the order in which to fix their findings", async () => {
    const found = await examined(good, "secretsprovider: awskms://alias/state\n");
    const statuses = [...found].map(([check, { status }]) => [check, status]);
    assert.deepEqual(statuses, [
      ["config", "ok"],
      ["region", "ok"],
      ["account", "ok"],
      ["quota", "ok"],
      ["image", "ok"],
      ["artifact", "problem"],
      ["state", "ok"],
      ["secrets", "ok"],
      ["endpoint", "ok"],
      ["github", "warning"],
      ["price", "ok"],
      ["at rest", "ok"],
    ]);
  });

  it("makes only AWS calls that change nothing", async () => {
    await examined(good, "secretsprovider: awskms://alias/state\n");
    const reading = /^(Get|List|BatchGet|Describe)/;
    assert.deepEqual(
      aws.seen.map(({ operation }) => operation).filter((operation) => !reading.test(operation)),
      [],
    );
    assert.ok(aws.seen.length >= 5);
  });

  it("reports an invalid config, and runs the checks that do not need it", async () => {
    const found = await examined([...good, "async-video-inference:maxCapacitie: 3"]);
    assert.equal(found.get("config")?.status, "problem");
    assert.match(found.get("config")?.what ?? "", /maxCapacitie is not a setting/);
    assert.match(found.get("quota")?.what ?? "", /could not be checked: the config is not valid/);
    assert.equal(found.get("account")?.status, "ok");
  });

  it("counts the stacks that share the quota", async () => {
    await writeFile(
      join(root, "Pulumi.prod.yaml"),
      config([...good.slice(0, 3), "async-video-inference:maxCapacity: 6"]),
    );
    const found = await examined(good);
    assert.equal(found.get("quota")?.status, "warning");
    assert.match(found.get("quota")?.what ?? "", /\(prod 6\), 9 are needed$/);
  });

  it("reads the source buckets in the settings", async () => {
    const found = await examined([...good, 'async-video-inference:sourceBuckets: [{"bucket": "team-videos"}]']);
    assert.match(found.get("sources")?.what ?? "", /^s3:\/\/team-videos\/ contains no object/);
  });

  it("reports a missing region, and makes no AWS call without one", async () => {
    const found = await examined(good.slice(1));
    assert.equal(found.get("region")?.status, "problem");
    for (const check of ["account", "quota", "image"]) {
      assert.match(found.get(check)?.what ?? "", /could not be checked: no region is set/);
    }
    assert.deepEqual(aws.seen, []);
  });

  it("reports services that AWS does not offer as unchecked, and all other findings", async () => {
    aws.answers.delete("ListServiceQuotas");
    const found = await examined(good);
    assert.equal(found.get("quota")?.status, "warning");
    assert.match(found.get("quota")?.what ?? "", /could not be checked: NotImplemented/);
    assert.equal(found.get("image")?.status, "ok");
  });

  it("names the clock, not a permission, for each call that AWS refuses because of it", async () => {
    const words = "Signature not yet current: 20261130T020000Z is still later than 20261130T011500Z";
    for (const operation of ["GetCallerIdentity", "ListServiceQuotas", "DescribeKey", "BatchGetImage"]) {
      aws.answers.set(operation, new Refusal(403, "InvalidSignatureException", words));
    }
    aws.answers.set("ListObjectsV2", new Refusal(403, "RequestTimeTooSkewed"));
    const found = await examined(good, "secretsprovider: awskms://alias/state\n");
    for (const check of ["account", "quota", "image", "state", "secrets", "endpoint"]) {
      assert.match(found.get(check)?.remedy ?? "", /^This machine's clock differs from AWS's: set it/, check);
    }
  });

  it("checks no image and no quota for the stack local, and prints no price for it", async () => {
    const found = await examined(good, "", "local");
    for (const check of ["quota", "image", "price"]) assert.equal(found.get(check)?.status, "ok", check);
    assert.match(found.get("price")?.what ?? "", /^no cost/);
    assert.ok(![...found.values()].some(({ what, remedy = "" }) => /USD|console/.test(what + remedy)));
    const asked = aws.seen.map(({ operation }) => operation);
    assert.deepEqual(
      asked.filter((operation) => ["BatchGetImage", "ListServiceQuotas"].includes(operation)),
      [],
    );
  });

  it("makes no AWS call about the stack local in a shell without the emulator's address", async () => {
    await writeFile(join(root, "Pulumi.local.yaml"), config(good));
    const { endpoint, credentials } = aws.access;
    const findings = await examine(await readStackFile(root, "local"), {
      env: { AWS_PROFILE: "company" },
      home: root,
      aws: { endpoint, credentials },
      listStacks: () => Promise.resolve([]),
    });
    assert.deepEqual(
      findings.map(({ check, status }) => [check, status]),
      [["shell", "problem"]],
    );
    assert.match(findings[0]?.remedy ?? "", /local:up.*local:env/);
    assert.deepEqual(aws.seen, []);
  });

  it("accepts a missing artifact of the stack local, whose start builds it", async () => {
    const local = good.map((line) => line.replace("model.tar.gz", "model/dist/model.tar.gz"));
    assert.equal((await examined(local, "", "local")).get("artifact")?.status, "ok");
    assert.equal((await examined(local)).get("artifact")?.status, "problem");
    assert.equal((await examined(good, "", "local")).get("artifact")?.status, "problem");
  });

  it("fails without the stack's file, or with an invalid one", async () => {
    await writeFile(join(root, "Pulumi.prod.yaml"), config(good));
    await assert.rejects(
      readStackFile(root, "dev"),
      (error) =>
        error instanceof InvalidInputError && /Pulumi\.dev\.yaml does not exist .*\(prod\)/.test(error.message),
    );
    for (const text of ["config: [1]", "config: {aws:region: 1}", "a: b: c"]) {
      await writeFile(join(root, "Pulumi.dev.yaml"), text);
      await assert.rejects(readStackFile(root, "dev"), InvalidInputError, text);
    }
    await writeFile(join(root, "Pulumi.dev.yaml"), config([`aws:allowedAccountIds: [${accountId}]`]));
    await assert.rejects(readStackFile(root, "dev"), /write an account's number in quotes/);
  });

  it("reports each finding with its remedy below it, and counts them", () => {
    const text = reportOf([
      { check: "region", status: "ok", what: "us-east-1" },
      { check: "quota", status: "problem", what: "none", remedy: "Ask for one." },
    ]);
    assert.equal(
      text,
      "ok       region    us-east-1\nPROBLEM  quota     none\n                   -> Ask for one.\n\n1 problem, 0 warnings, 1 ok.\n",
    );
  });

  it("shows foreign text in findings as escapes", () => {
    const text = reportOf([
      {
        check: "state",
        status: "problem",
        what: "as a\u001b[2J\n::error::x\u202e",
        remedy: "pulumi login\n##[error]x",
      },
    ]);
    assert.equal(
      text,
      String.raw`PROBLEM  state     as a\x1b[2J
                   \x3a:error::x\u202e
                   -> pulumi login\n#\x23[error]x

1 problem, 0 warnings, 0 ok.
`,
    );
  });

  const main = join(import.meta.dirname, "..", "main.ts");
  /** Runs the command. Returns only the output and the exit status of a failure. */
  async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    try {
      return { code: 0, ...(await promisify(execFile)(process.execPath, [main, "doctor", ...args])) };
    } catch (error) {
      return error as { code: number; stdout: string; stderr: string };
    }
  }

  for (const [what, args, words] of [
    ["no stack's name", [], /^error: --stack is missing/],
    ["an unknown option", ["--stak", "dev"], /^error: .*--stak/],
    ["a missing stack", ["--stack", "none"], /^error: Pulumi\.none\.yaml does not exist/],
  ] as const) {
    it(`exits with status 2 and the reason for ${what}`, async () => {
      const { code, stdout, stderr } = await run(...args);
      assert.equal(code, 2, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, words);
    });
  }

  it("prints its usage", async () => {
    const { code, stdout } = await run("--help");
    assert.equal(code, 0);
    assert.match(stdout, /Exit status: 0/);
  });
});
