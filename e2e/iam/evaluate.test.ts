/** Tests that the check finds planted faults in policies, and reports nothing without them. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { isCopy, evaluate } from "./evaluate.ts";
import type { Call } from "./replay.ts";
import { currentAccountPolicies, environmentStacks } from "./account-policies.ts";
import type { Document, Statement, AccountPolicies } from "./account-policies.ts";

const role = "arn:aws:iam::123456789012:role/video-local-execution-0a1b2c3";
const topic = "arn:aws:sns:eu-west-1:123456789012:video-local-operations-0a1b2c3";
const bucket = "arn:aws:s3:::video-local-input-0a1b2c3";

const read: Statement = { Sid: "Read", Effect: "Allow", Action: "s3:GetObject", Resource: `${bucket}/input/*` };
const publish: Statement = {
  Sid: "Publish",
  Effect: "Allow",
  Principal: { Service: "cloudwatch.amazonaws.com" },
  Action: "sns:Publish",
  Resource: topic,
  Condition: { StringEquals: { "aws:SourceAccount": "123456789012" } },
};
const tls: Statement = {
  Sid: "DenyWithoutTls",
  Effect: "Deny",
  Principal: "*",
  Action: "s3:*",
  Resource: [bucket, `${bucket}/*`],
  Condition: { Bool: { "aws:SecureTransport": "false" } },
};
const document = (...Statement: Statement[]): Document => ({ Version: "2012-10-17", Statement });

const calls: Call[] = [
  { caller: { role }, action: "s3:GetObject", resource: `${bucket}/input/a.mp4`, context: {} },
  {
    caller: { service: "cloudwatch.amazonaws.com", sourceAccount: "123456789012" },
    action: "sns:Publish",
    resource: topic,
    context: {},
  },
];

/** Returns an account with these statements for the role, and for the topic. */
const accountOf = (own: Statement = read, ofTopic: Statement = publish): AccountPolicies => ({
  documents: { role: document(own), [topic]: document(ofTopic), [bucket]: document(tls) },
  roles: { [role]: { policies: ["role"] } },
  attached: { [topic]: topic, [bucket]: bucket },
  trust: {},
});

const found = async (account: AccountPolicies, accepted: Parameters<typeof evaluate>[2] = []) => {
  const { unexplained, ...verdict } = await evaluate(account, calls, accepted);
  return { ...verdict, unexplained: unexplained.map(({ sid, removed }) => `${sid}: ${removed}`) };
};

describe("the check of policies", function () {
  this.timeout(60_000);

  it("finds nothing in policies that are as narrow as their calls", async () => {
    const { unexplained, allowed, probes, narrowing, widening } = await found(accountOf());
    assert.deepEqual([unexplained, allowed, narrowing, widening], [[], [true, true], 2, 3]);
    assert.ok(probes > 5, String(probes));
  });

  it("finds an action that no call needs", async () => {
    const { unexplained } = await found(accountOf({ ...read, Action: ["s3:GetObject", "s3:DeleteObject"] }));
    assert.deepEqual(unexplained, ["Read: action s3:DeleteObject"]);
  });

  it("finds a statement that no call needs", async () => {
    const { unexplained } = await found(accountOf({ ...read, Action: "s3:DeleteObject" }));
    assert.ok(unexplained.includes("Read: statement"));
  });

  it("finds a resource that no call needs", async () => {
    const { unexplained } = await found(accountOf({ ...read, Resource: [`${bucket}/input/*`, `${bucket}/other/*`] }));
    assert.ok(unexplained.includes(`Read: resource ${bucket}/other/*`));
  });

  it("finds a condition that forbids nothing", async () => {
    const { unexplained } = await found(
      accountOf(read, { ...publish, Condition: { StringEqualsIfExists: { "aws:PrincipalOrgID": "o-1" } } }),
    );
    assert.deepEqual(unexplained, ["Publish: condition"]);
  });

  it("finds a missing condition: a forbidden call is allowed", async () => {
    const { Sid, Effect, Principal, Action, Resource } = publish as Required<Statement>;
    const { forbiddenAllowed } = await found(accountOf(read, { Sid, Effect, Principal, Action, Resource }));
    assert.deepEqual(
      forbiddenAllowed.map(({ caller }) => caller),
      [{ service: "cloudwatch.amazonaws.com" }, { service: "cloudwatch.amazonaws.com", sourceAccount: "777788889999" }],
    );
    assert.deepEqual((await found(accountOf())).forbiddenAllowed, []);
  });

  it("finds a limit that limits nothing", async () => {
    const { unexplained } = await found(accountOf({ ...read, Resource: "arn:aws:*:::*" }));
    assert.deepEqual(unexplained, ["Read: limit to resource arn:aws:*:::*"]);
  });

  it("accepts a listed mutant, and reports one that nothing needs", async () => {
    const wide = { ...read, Action: ["s3:GetObject", "s3:DeleteObject"] };
    const entry = { sid: "Read", removed: "action .*Delete.*", reason: "r", source: "s" };
    const { unexplained, excused, staleEntries } = await found(accountOf(wide), [entry, { ...entry, sid: "Other" }]);
    assert.deepEqual([unexplained, excused, staleEntries.length], [[], 1, 1]);
  });
});

describe("the policies of the stacks in environments", function () {
  this.timeout(120_000);

  it("are those of the stack full with other names and another key, so their mutants are left out", async () => {
    const { documents } = await currentAccountPolicies();
    const keyOf = (name: string): string => `:key/${name}"`;
    for (const [environment, stack] of Object.entries(environmentStacks)) {
      const ofFull = (text: string): string =>
        text
          .replaceAll(`video-${stack}-`, "video-full-")
          .replaceAll(keyOf(`async-video-${environment}`), keyOf("video-full-0a1b2c3"));
      const copies = Object.keys(documents).filter((name) => isCopy(name) && name.includes(`video-${stack}-`));
      assert.ok(copies.length >= 12, stack);
      for (const name of copies) {
        assert.deepEqual(JSON.parse(ofFull(JSON.stringify(documents[name]))), documents[ofFull(name)], name);
      }
    }
  });
});
