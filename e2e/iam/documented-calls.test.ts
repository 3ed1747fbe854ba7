/**
 * Tests that the policies allow every known call of services, so that each can justify a permission, and that sources in this
 * repository exist.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "mocha";
import { actorCalls } from "../../emulator/iam/actors.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { documented } from "./documented-calls.ts";
import list from "./accepted-mutants.json" with { type: "json" };
import { knownServiceCalls } from "./service-calls.ts";
import { destroyCalls, providerCalls } from "./provider-calls.ts";
import { replay } from "./replay.ts";
import { currentAccountPolicies } from "./account-policies.ts";

describe("the calls that no recording has", function () {
  this.timeout(120_000);

  it("are allowed, each on every stack", async () => {
    const account = await currentAccountPolicies();
    const calls = knownServiceCalls(account);
    const { allowed } = await replay(account, calls, []);
    assert.deepEqual(
      calls.filter((_, index) => allowed[index] !== true),
      [],
    );
  });

  it("have no assumed call of a service", async () => {
    const assumed = Object.values(actorCalls).flatMap((rows) =>
      rows.filter(({ certainty }) => certainty === "assumed"),
    );
    assert.ok(assumed.some(({ action }) => action === "s3:AbortMultipartUpload"));
    const executions = knownServiceCalls(await currentAccountPolicies()).filter(
      ({ caller }) => "role" in caller && caller.role.includes("-execution-"),
    );
    assert.ok(executions.length > 20);
    assert.ok(executions.every(({ action }) => action !== "s3:AbortMultipartUpload"));
  });
});

describe("the sources of permissions", () => {
  it("that are files of this repository exist", () => {
    const folders =
      /(?<![\w/-])(?:client|docs|e2e|emulator|infra|lib|model|ops|policies|smoke|tools|\.github)\/[\w./-]*/g;
    // A path after OWNER/NAME is in that repository.
    const isForeign = /^[\w-]+\/[\w-]+, /;
    const paths = [...documented, ...providerCalls, destroyCalls, ...list]
      .map(({ source }) => source)
      .filter((source) => !isForeign.test(source))
      .flatMap((source) => source.match(folders) ?? []);
    assert.ok(paths.length > 5, paths.join());
    assert.deepEqual(
      paths.filter((path) => !existsSync(join(repoRoot, path))),
      [],
    );
  });
});
