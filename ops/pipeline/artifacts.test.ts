/** Tests which artifacts `pipeline artifacts` deletes. */
import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import { startFakeAws } from "../../client/testing/fake-aws.ts";
import { obsoleteArtifacts } from "./artifacts.ts";
import type { Artifact } from "./artifacts.ts";
import { Sandbox } from "./testing/steps.ts";

const day = 24 * 3600 * 1000;
const now = Date.parse("2026-06-01T00:00:00Z");

/** Returns artifacts named by their age in days. */
function aged(...ages: number[]): Artifact[] {
  return ages.map((age) => ({ url: `s3://b/models/${age}`, uploadedAt: now - age * day }));
}

const deleted = (artifacts: readonly Artifact[], used: readonly string[] = []): string[] =>
  obsoleteArtifacts(artifacts, new Set(used), 30, now).map(({ url }) => url);

describe("an artifact", () => {
  it("is deleted once it is older than the retention", () => {
    assert.deepEqual(deleted(aged(1, 2, 29, 31, 90)), ["s3://b/models/90", "s3://b/models/31"]);
  });

  it("is not deleted while a model uses it, at any age", () => {
    assert.deepEqual(deleted(aged(1, 2, 40, 90), ["s3://b/models/90"]), ["s3://b/models/40"]);
  });

  it("is not deleted if it is one of the newest two, at any age", () => {
    assert.deepEqual(deleted(aged(100, 200)), []);
    assert.deepEqual(deleted(aged(300, 100, 200)), ["s3://b/models/300"]);
  });
});

describe("the step artifacts", () => {
  const before = process.env["AWS_ENDPOINT_URL"];

  afterEach(() => {
    if (before === undefined) delete process.env["AWS_ENDPOINT_URL"];
    else process.env["AWS_ENDPOINT_URL"] = before;
  });

  it("reads the stack's outputs, deletes obsolete artifacts, and shows foreign keys as escapes", async () => {
    await using aws = await startFakeAws();
    await using sandbox = await Sandbox.create();
    process.env["AWS_ENDPOINT_URL"] = aws.url;
    for (const name of ["a##[add-mask]x", "b", "c"]) aws.objects.set(`in/models/${name}`, Buffer.from(name));
    aws.answers.set("ListModels", { Models: [] });
    const outputs = { region: "us-east-1", modelLocation: "s3://in/models", artifactRetentionDays: 30 };
    await sandbox.pulumiSays(JSON.stringify(outputs, undefined, 2));
    const { status, stdout, stderr } = await sandbox.step(["artifacts", "--stack", "dev"], {
      AWS_ENDPOINT_URL: aws.url,
    });
    assert.equal(status, 0, stderr);
    assert.deepEqual([...aws.objects.keys()], ["in/models/b", "in/models/c"]);
    assert.equal(
      stdout,
      `Deleted ${String.raw`s3://in/models/a#\x23[add-mask]x`}: no model uses it, and it is older than 30 days.\n` +
        "Kept 2 of 3 artifacts in s3://in/models.\n",
    );
  });

  it("ends with one line and the remedy if AWS refuses a call because of the clock", async () => {
    await using aws = await startFakeAws();
    await using sandbox = await Sandbox.create();
    process.env["AWS_ENDPOINT_URL"] = aws.url;
    const answer = { status: 403, code: "RequestTimeTooSkewed" };
    for (const operation of ["ListObjectsV2", "ListModels"]) aws.fail({ operation, times: 100, answer });
    await sandbox.pulumiSays(
      JSON.stringify({ region: "us-east-1", modelLocation: "s3://in/models", artifactRetentionDays: 30 }),
    );
    const { status, stderr } = await sandbox.step(["artifacts", "--stack", "dev"], { AWS_ENDPOINT_URL: aws.url });
    assert.equal(status, 1);
    assert.match(stderr, /^error: .*clock differs from AWS's: set it.*\n$/);
  }).timeout(60_000);
});
