import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { sameJson, samePolicy } from "./policy.ts";

describe("samePolicy", () => {
  const allow = (more: object): string =>
    JSON.stringify({ Version: "2012-10-17", Statement: { Effect: "Allow", Action: "*", ...more } });

  it("treats an account's number as its root's ARN, only in principals", () => {
    const root = "arn:aws:iam::123456789012:root";
    assert.ok(samePolicy(allow({ Principal: { AWS: "123456789012" } }), allow({ Principal: { AWS: [root] } })));
    assert.ok(!samePolicy(allow({ Principal: { AWS: "210987654321" } }), allow({ Principal: { AWS: root } })));
    assert.ok(!samePolicy(allow({ Resource: "123456789012" }), allow({ Resource: root })));
  });

  it("treats false and 1 as the texts that AWS answers", () => {
    const bool = (value: unknown): string => allow({ Condition: { Bool: { "aws:SecureTransport": value } } });
    assert.ok(samePolicy(bool(false), bool("false")));
    assert.ok(samePolicy(bool(1), bool(["1"])));
    assert.ok(!samePolicy(bool(false), bool("true")));
  });

  it("distinguishes everyone from all of AWS's accounts", () => {
    assert.ok(!samePolicy(allow({ Principal: "*" }), allow({ Principal: { AWS: "*" } })));
  });

  it("compares values that are not JSON as text", () => {
    assert.ok(samePolicy("not JSON", "not JSON"));
    assert.ok(!samePolicy("not JSON", "{}"));
  });
});

describe("sameJson", () => {
  it("ignores spaces and the order of keys, not the order of lists", () => {
    assert.ok(sameJson('{"a":1,"b":[1,2]}', '{ "b": [1, 2], "a": 1 }'));
    assert.ok(!sameJson('{"a":1,"b":[1,2]}', '{"a":1,"b":[2,1]}'));
  });
});
