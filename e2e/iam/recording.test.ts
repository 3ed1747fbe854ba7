/** Tests the refusal of a recording that other policies have decided, and how the emulator's lines become one. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ForeignPolicy, recordingOf } from "./raw-recording.ts";
import { checkFresh, hashOf, readRecording, StaleRecording } from "./recording.ts";
import type { Document, AccountPolicies } from "./account-policies.ts";

const name = "arn:aws:iam::123456789012:policy/video-local-caller-0a1b2c3";
const document: Document = {
  Version: "2012-10-17",
  Statement: [{ Sid: "Read", Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::one/*" }],
};
const account: AccountPolicies = { documents: { [name]: document }, roles: {}, attached: {}, trust: {} };

describe("a recording", () => {
  it("is fresh if its policies are the program's", () => {
    checkFresh({ policies: { [name]: hashOf(document) }, calls: [] }, account);
  });

  it("is stale if a policy has changed, and says how to make it anew", () => {
    const changed = { ...document, Statement: [{ ...document.Statement[0]!, Action: "s3:PutObject" }] };
    assert.throws(
      () => {
        checkFresh(
          { policies: { [name]: hashOf(document) }, calls: [] },
          { ...account, documents: { [name]: changed } },
        );
      },
      (error) =>
        error instanceof StaleRecording && error.message.includes(name) && error.message.includes("npm run iam:record"),
    );
  });

  it("is stale if a policy is gone", () => {
    assert.throws(() => {
      checkFresh({ policies: { other: "0" }, calls: [] }, account);
    }, /other \(removed\)/);
  });

  it("does not depend on the order of members, and on lists of one item", () => {
    const { Sid, Effect, Action, Resource } = document.Statement[0]! as {
      Sid: string;
    } & (typeof document.Statement)[0];
    const same = {
      Statement: [{ Resource: [Resource as string], Action: [Action as string], Effect, Sid }],
      Version: document.Version,
    };
    assert.equal(hashOf(same), hashOf(document));
  });
});

describe("the committed recording", () => {
  /** Inputs of the stack, a source bucket, and model artifacts. */
  const readable = /^arn:aws:s3:::(video-(dev|local)-input-\w+\/(input|models)|rehearsal-source\/videos)\//;

  it("has execution roles read inputs, source buckets and model artifacts in S3, and nothing else", async () => {
    const { calls } = await readRecording();
    const read = calls
      .filter(
        ({ caller, action }) => "role" in caller && caller.role.includes("-execution-") && action.startsWith("s3:Get"),
      )
      .map(({ resource }) => resource);
    assert.deepEqual(
      read.filter((resource) => !readable.test(resource)),
      [],
    );
    const places = new Set(read.map((resource) => readable.exec(resource)?.[1]?.replace(/^video-.*\//, "")));
    assert.deepEqual([...places].sort(), ["input", "models", "rehearsal-source/videos"]);
  });
});

const call = {
  caller: { principal: "arn:aws:sts::000000000000:assumed-role/video-local-execution-1234567/SageMaker" },
  action: "s3:GetObject",
  resource: "arn:aws:s3:::video-local-input-7654321/models/x",
  context: {},
  allowed: true,
};
const policy = (action: string) => ({
  policy: {
    name: "arn:aws:iam::000000000000:policy/video-local-caller-1234567",
    statements: [{ sid: "Read", effect: "Allow", actions: [action], resources: ["arn:aws:s3:::one/*"] }],
  },
});
const lines = (...all: object[]) => all.map((each) => `${JSON.stringify(each)}\n`).join("");

describe("the emulator's lines", () => {
  it("become calls of roles with placeholders, each once", () => {
    const again = { ...call, resource: call.resource.replace("7654321", "abcdef0") };
    const { calls } = recordingOf(lines({ call }, { call: again }), account);
    assert.deepEqual(calls, [
      {
        caller: { role: "arn:aws:iam::123456789012:role/video-local-execution-0a1b2c3" },
        action: "s3:GetObject",
        resource: "arn:aws:s3:::video-local-input-0a1b2c3/models/x",
        context: {},
        allowed: true,
      },
    ]);
  });

  it("have no member that would be lost", () => {
    const caller = { ...call.caller, tags: { "aws:principaltag/team": "a" } };
    assert.throws(() => recordingOf(lines({ call: { ...call, caller } }), account), { name: "ZodError" });
  });

  it("leave out roles that the program's policies do not concern", () => {
    const other = { ...call, caller: { principal: "arn:aws:sts::000000000000:assumed-role/AWSServiceRole/x" } };
    assert.deepEqual(recordingOf(lines({ call: other }), account).calls, []);
  });

  it("record the hash of each policy of the program in force", () => {
    assert.deepEqual(recordingOf(lines(policy("s3:GetObject")), account).policies, { [name]: hashOf(document) });
  });

  it("are refused if a policy in force has another statement than the program's", () => {
    assert.throws(() => recordingOf(lines(policy("s3:PutObject")), account), ForeignPolicy);
  });
});
