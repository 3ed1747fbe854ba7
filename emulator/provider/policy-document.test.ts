import assert from "node:assert/strict";
import { policyDocument, policyDocumentArgs } from "./policy-document.ts";

interface Answer {
  readonly json: string;
  readonly minifiedJson: string;
  readonly id: string;
}

const answer = (args: unknown): Answer => policyDocument(policyDocumentArgs.parse(args)) as Answer;
const read = { sid: "Read", actions: ["s3:GetObject"], resources: ["arn:aws:s3:::b/*"] };

describe("getPolicyDocument", () => {
  it("writes two spaces, keys in AWS's order, lists descending, one as a text", () => {
    const { json } = answer({
      policyId: "P",
      statements: [
        {
          effect: "Deny",
          sid: "S",
          conditions: [{ test: "Bool", variable: "aws:SecureTransport", values: ["false"] }],
          principals: [{ type: "Service", identifiers: ["sagemaker.amazonaws.com"] }],
          resources: ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
          actions: ["s3:GetObject", "s3:PutObject"],
        },
      ],
    });
    assert.equal(
      json,
      `{
  "Version": "2012-10-17",
  "Id": "P",
  "Statement": [
    {
      "Sid": "S",
      "Effect": "Deny",
      "Action": [
        "s3:PutObject",
        "s3:GetObject"
      ],
      "Resource": [
        "arn:aws:s3:::b/*",
        "arn:aws:s3:::b"
      ],
      "Principal": {
        "Service": "sagemaker.amazonaws.com"
      },
      "Condition": {
        "Bool": {
          "aws:SecureTransport": "false"
        }
      }
    }
  ]
}`,
    );
  });

  it("allows by default, without Sid, and writes the same minified", () => {
    const { json, minifiedJson } = answer({ statements: [{ actions: ["s3:*"], resources: ["*"] }] });
    assert.equal(
      minifiedJson,
      '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}',
    );
    assert.equal(JSON.stringify(JSON.parse(json)), minifiedJson);
  });

  it("writes no statements as none", () => {
    assert.equal(answer({}).minifiedJson, '{"Version":"2012-10-17"}');
  });

  const who = (principals: unknown): unknown => {
    const { minifiedJson } = answer({ statements: [{ actions: ["a:b"], principals }] });
    return (JSON.parse(minifiedJson) as { Statement: [{ Principal: unknown }] }).Statement[0].Principal;
  };

  it("writes everyone as given", () => {
    assert.equal(who([{ type: "*", identifiers: ["*"] }]), "*");
    assert.deepEqual(who([{ type: "AWS", identifiers: ["*"] }]), { AWS: "*" });
  });

  it("merges principals of one type", () => {
    const two = [
      { type: "AWS", identifiers: ["a"] },
      { type: "AWS", identifiers: ["c", "b"] },
    ];
    assert.deepEqual(who(two), { AWS: ["c", "b", "a"] });
  });

  it("keeps the order of a condition's values, and merges conditions of one test and variable", () => {
    const condition = (values: string[]) => ({ test: "StringLike", variable: "s3:prefix", values });
    const { minifiedJson } = answer({ statements: [{ ...read, conditions: [condition(["a", "b"])] }] });
    assert.match(minifiedJson, /"Condition":\{"StringLike":\{"s3:prefix":\["a","b"\]\}\}/);
    const merged = answer({ statements: [{ ...read, conditions: [condition(["a"]), condition(["b"])] }] });
    assert.match(merged.minifiedJson, /"s3:prefix":\["a","b"\]/);
  });

  it("puts source documents before its statements, and an override at the position of its Sid", () => {
    const source = answer({ statements: [{ ...read, sid: "Source" }] }).json;
    const override = answer({
      statements: [
        { ...read, effect: "Deny" },
        { ...read, sid: "New" },
      ],
    }).json;
    const { minifiedJson } = answer({
      sourcePolicyDocuments: [source],
      statements: [read, { ...read, sid: "Last" }],
      overridePolicyDocuments: [override],
    });
    const { Statement } = JSON.parse(minifiedJson) as { Statement: { Sid: string; Effect: string }[] };
    assert.deepEqual(
      Statement.map(({ Sid, Effect }) => `${Sid} ${Effect}`),
      ["Source Allow", "Read Deny", "Last Allow", "New Allow"],
    );
  });

  it("refuses two statements with one Sid", () => {
    assert.throws(() => answer({ statements: [read, read] }), /duplicate Sid \(Read\)/);
  });

  it("refuses a source that is not JSON", () => {
    assert.throws(() => answer({ sourceJson: "no" }), /not JSON/);
  });

  it("has an id that depends on the text", () => {
    assert.equal(answer({ statements: [read] }).id, answer({ statements: [read] }).id);
    assert.notEqual(answer({ statements: [read] }).id, answer({}).id);
  });
});
