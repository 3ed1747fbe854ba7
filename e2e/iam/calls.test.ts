/** Tests that a recorded call stands for the same call on other stacks. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { onStack, translations, withinBoundaries } from "./calls.ts";
import type { Call } from "./replay.ts";
import { roleArn } from "./account-policies.ts";

const deploy = (environment: string): string => roleArn(`async-video-${environment}-deploy-0a1b2c3`);
const key = (name: string): string => `arn:aws:kms:eu-west-1:123456789012:key/${name}`;
const call = (role: string, resource: string, context: Call["context"] = {}): Call => ({
  caller: { role },
  action: "kms:Decrypt",
  resource,
  context,
});

describe("a recorded call", () => {
  it("has the names of another stack, with its environment's role, key and tag", () => {
    const recorded = call(deploy("dev"), key("async-video-dev"), {
      "aws:resourcetag/stack": "dev",
      "kms:encryptioncontext:aws:s3:arn": "arn:aws:s3:::video-dev-input-0a1b2c3",
    });
    assert.deepEqual(
      onStack(recorded, "prod"),
      call(deploy("production"), key("async-video-production"), {
        "aws:resourcetag/stack": "prod",
        "kms:encryptioncontext:aws:s3:arn": "arn:aws:s3:::video-prod-input-0a1b2c3",
      }),
    );
  });

  it("uses the stack's own key on a stack outside the environments", () => {
    const { resource, caller } = onStack(call(roleArn("dev-caller"), key("async-video-dev")), "full");
    assert.deepEqual([resource, caller], [key("video-full-0a1b2c3"), { role: roleArn("full-caller") }]);
  });

  it("keeps the key of the state", () => {
    assert.equal(
      onStack(call(deploy("dev"), key("async-video-dev-state")), "prod").resource,
      key("async-video-production-state"),
    );
  });

  const roles = (...names: readonly string[]) => ({
    documents: {},
    attached: {},
    trust: {},
    roles: Object.fromEntries(names.map((name) => [name, { policies: [] }])),
  });
  const rolesOf = (recorded: Call, account: Parameters<typeof translations>[1]) =>
    translations([{ ...recorded, allowed: true }], account).map(({ call: { caller } }) => caller);

  it("is made on each stack whose role exists", () => {
    const account = roles(roleArn("local-caller"), roleArn("prod-caller"));
    assert.deepEqual(rolesOf(call(roleArn("local-caller"), "*"), account), [
      { role: roleArn("local-caller") },
      { role: roleArn("prod-caller") },
    ]);
  });

  it("of a tester is one of the team and of the deploy role", () => {
    const account = roles(roleArn("dev-team"), deploy("dev"));
    assert.deepEqual(rolesOf(call(roleArn("local-tester"), "*"), account), [
      { role: roleArn("dev-team") },
      { role: deploy("dev") },
    ]);
  });

  it("of a role that a deployment creates is also one of the widest role within the boundary", () => {
    const created = (name: string) => roleArn(`video-dev-${name}-0a1b2c3`);
    assert.deepEqual(withinBoundaries([call(created("execution"), "*"), call(roleArn("dev-caller"), "*")]), [
      call(created("created"), "*"),
    ]);
  });
});
