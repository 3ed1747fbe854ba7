/** Tests the environments' keys: their users, and that no deployment can change them. */
import assert from "node:assert/strict";
import { before, describe, it } from "mocha";
import * as pulumi from "@pulumi/pulumi";
import { keyPolicy } from "../components/encryption-key.ts";
import { statements } from "../testing/documents.ts";
import { accountId, mockAccount, region } from "../testing/registrations.ts";
import type { Registrations } from "../testing/registrations.ts";
import { allowed, bootstrap, boundaryOf } from "./testing/registered.ts";

/** A document's value. */
async function resolved(document: object): Promise<unknown> {
  return await new Promise((resolve) => {
    pulumi.output(document).apply(resolve);
  });
}

describe("the bootstrap's keys", () => {
  let registrations: Registrations;
  let outputs: Readonly<Record<string, unknown>>;

  before(async () => {
    ({ registrations, outputs } = await bootstrap());
  });

  it("allow no role to create, change, tag or delete a key, and make no permission depend on a tag", () => {
    for (const { name, inputs } of registrations.ofType("aws:iam/policy:Policy")) {
      for (const { Sid, Effect, Action, Condition } of statements(inputs["policy"])) {
        const kms = Action.filter((action) => action.startsWith("kms:"));
        for (const action of kms) assert.match(action, /^kms:(Decrypt|DescribeKey|Encrypt|GenerateDataKey)$/, name);
        if (Effect === "Allow") assert.doesNotMatch(JSON.stringify(Condition ?? {}), /Tag/, `${name} ${Sid}`);
      }
    }
  });

  it("allow each environment's roles to use the environment's keys by their ARNs", () => {
    const keys = outputs["encryptionKeyArns"] as Readonly<Record<string, string>>;
    for (const environment of ["dev", "production", "ephemeral"]) {
      const used = [
        ...allowed(registrations, `async-video-${environment}-deploy`),
        ...statements(boundaryOf(registrations, environment)),
      ]
        .filter(({ Action, Condition }) => Action.some((each) => each.startsWith("kms:")) && Condition === undefined)
        .flatMap(({ Resource }) => Resource);
      const stateKey = `arn:aws:kms:${region}:${accountId}:async-video-${environment}-state-0a1b2c3`;
      assert.deepEqual([...new Set(used)].sort(), [keys[environment], stateKey].sort());
    }
  });

  for (const [environment, stack] of Object.entries({ dev: "dev", production: "prod", ephemeral: "pr-*" })) {
    it(`protects the data key of ${environment}, and allows the same services as a stack's key`, async () => {
      const { protect, inputs } = registrations.one("aws:kms/key:Key", `async-video-${environment}-data`);
      assert.ok(protect);
      assert.equal(inputs["enableKeyRotation"], true);
      assert.equal(inputs["deletionWindowInDays"], 30);
      const alias = registrations.one("aws:kms/alias:Alias", `async-video-${environment}-data`).inputs["name"];
      assert.equal(alias, `alias/async-video-${environment}`);
      const own = statements(JSON.parse(String(inputs["policy"])));
      const stacks = statements(await resolved(keyPolicy(mockAccount(), `video-${stack}-endpoint-`)));
      assert.deepEqual(
        own.filter(({ Sid }) => Sid !== "KeepOtherEnvironmentsOut"),
        stacks,
      );
    });
  }
});
