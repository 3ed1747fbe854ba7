/** Tests the policy on types of resources. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "mocha";
import { z } from "zod";
import { knownTypesOnly } from "./known-types.ts";
import { policyTests } from "./testing/policy-tests.ts";
import { violations } from "./testing/evaluate.ts";
import type { TestResource } from "./testing/evaluate.ts";

function resource(type: string, component = false): TestResource {
  return { type, name: "it", props: {}, component };
}

const levelSchema = z.union([z.string(), z.looseObject({ enforcementLevel: z.string() })]);
const configSchema = z.looseObject({
  [knownTypesOnly.name]: levelSchema.transform((own) => (typeof own === "string" ? own : own.enforcementLevel)),
});

const user = resource("aws:iam/user:User");

policyTests(knownTypesOnly, {
  good: resource("aws:sagemaker/endpoint:Endpoint"),
  passes: {
    "a component, whose children are evaluated one by one": resource("acme:index:Videos", true),
    "the stack itself": resource("pulumi:pulumi:Stack"),
    "the provider of AWS": resource("pulumi:providers:aws"),
  },
  refuses: Object.fromEntries(
    [
      "aws-native:iam:Role",
      "aws:cloudcontrol/resource:Resource",
      "aws:cloudformation/stack:Stack",
      "aws:ec2/instance:Instance",
      "aws:iam/accessKey:AccessKey",
      "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
      "aws:iam/user:User",
      "aws:kms/grant:Grant",
      "aws:lambda/permission:Permission",
      "aws:s3/accessPoint:AccessPoint",
      "aws:sagemaker/notebookInstance:NotebookInstance",
      "command:local:Command",
      "pulumi-nodejs:dynamic:Resource",
      "pulumi:providers:aws-native",
      "constructor",
    ].map((type) => [
      type,
      [resource(type), new RegExp(`does not know the type ${type} of 'it'.*add its type to types`)] as const,
    ]),
  ),
  unknown: "reads no property",
  level: "advisory",
});

describe("known-types-only", () => {
  it("reads further types from the config", async () => {
    assert.deepEqual(await violations(knownTypesOnly, user, { types: [user.type] }), []);
  });

  for (const file of ["config.dev.json", "config.local.json", "config.prod.json", "../infra/bootstrap/policies.json"]) {
    it(`is mandatory by ${file}`, () => {
      const config = configSchema.parse(JSON.parse(readFileSync(join(import.meta.dirname, file), "utf8")));
      assert.equal(config[knownTypesOnly.name], "mandatory");
    });
  }
});
