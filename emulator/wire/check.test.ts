/** Tests that requests are checked as AWS checks them, with its messages. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ownModels, testModel } from "../testing/api-models.ts";
import { checkInput, patternOf } from "./check.ts";
import { ApiModel } from "./model.ts";
import { AwsError } from "./service.ts";

const model = new ApiModel("test", {
  metadata: { protocols: ["json"], endpointPrefix: "test" },
  operations: {},
  shapes: {
    Input: {
      type: "structure",
      required: ["Name"],
      members: {
        Name: { shape: "Name" },
        Count: { shape: "Count" },
        Kind: { shape: "Kind" },
        Tags: { shape: "Tags" },
        Labels: { shape: "Labels" },
        Secret: { shape: "Secret" },
        Data: { shape: "Data" },
      },
    },
    Name: { type: "string", min: 1, max: 5, pattern: "[a-z]+" },
    Count: { type: "integer", min: 1, max: 10 },
    Kind: { type: "string", enum: ["big", "small"] },
    Tags: { type: "list", max: 2, member: { shape: "Tag" } },
    Tag: { type: "structure", required: ["Key"], members: { Key: { shape: "Name" } } },
    Labels: { type: "map", key: { shape: "Name" }, value: { shape: "Name" } },
    Secret: { type: "string", max: 3, sensitive: true },
    Data: { type: "blob", max: 4 },
  },
});

const good = {
  Name: "abc",
  Count: 3,
  Kind: "big",
  Tags: [{ Key: "a" }],
  Labels: { a: "b" },
  Secret: "xyz",
  Data: new Uint8Array(4),
};

function problemOf(input: object): string | undefined {
  try {
    checkInput(model, "Input", input as Record<string, unknown>);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof AwsError);
    assert.equal(error.code, "ValidationException");
    return error.message;
  }
}

describe("The check of a request against its API model", () => {
  it("accepts a valid request", () => {
    assert.equal(problemOf(good), undefined);
  });

  const one = "1 validation error detected: ";
  const cases: [string, object, string][] = [
    [
      "a missing member",
      { Name: undefined },
      "Value null at 'name' failed to satisfy constraint: Member must not be null",
    ],
    [
      "a text that is too short and does not match",
      { Name: "" },
      "Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1; Value '' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+",
    ],
    [
      "a text that matches only in part",
      { Name: "a1" },
      "Value 'a1' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+",
    ],
    [
      "a text that is too long",
      { Name: "abcdef" },
      "Value 'abcdef' at 'name' failed to satisfy constraint: Member must have length less than or equal to 5",
    ],
    [
      "a number below its minimum",
      { Count: 0 },
      "Value '0' at 'count' failed to satisfy constraint: Member must have value greater than or equal to 1",
    ],
    [
      "a number above its maximum",
      { Count: 11 },
      "Value '11' at 'count' failed to satisfy constraint: Member must have value less than or equal to 10",
    ],
    [
      "a value that is not one of the enum",
      { Kind: "middle" },
      "Value 'middle' at 'kind' failed to satisfy constraint: Member must satisfy enum value set: [big, small]",
    ],
    [
      "a list that is too long",
      { Tags: [{ Key: "a" }, { Key: "b" }, { Key: "c" }] },
      "Value '[{Key=a}, {Key=b}, {Key=c}]' at 'tags' failed to satisfy constraint: Member must have length less than or equal to 2",
    ],
    [
      "a member of an item of a list",
      { Tags: [{ Key: "a" }, {}] },
      "Value null at 'tags.2.member.key' failed to satisfy constraint: Member must not be null",
    ],
    [
      "a key of a map",
      { Labels: { A: "b" } },
      "Value '{A=b}' at 'labels' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-z]+]",
    ],
    [
      "a value of a map",
      { Labels: { a: "B" } },
      "Value 'B' at 'labels.a.member' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+",
    ],
    [
      "a sensitive value, without showing it",
      { Secret: "long" },
      "Value at 'secret' failed to satisfy constraint: Member must have length less than or equal to 3",
    ],
    [
      "bytes that are too many",
      { Data: new Uint8Array(5) },
      "Value '5 bytes' at 'data' failed to satisfy constraint: Member must have length less than or equal to 4",
    ],
  ];
  for (const [what, change, problem] of cases) {
    it(`names ${what}`, () => {
      const count = problem.split("; ").length;
      assert.equal(
        problemOf({ ...good, ...change }),
        (count === 1 ? one : `${count} validation errors detected: `) + problem,
      );
    });
  }

  it("lists all problems", () => {
    assert.match(
      problemOf({ ...good, Count: 0, Kind: "middle" }) ?? "",
      /^2 validation errors detected: .*count.*; .*kind/,
    );
  });

  it("counts characters, not UTF-16 units", () => {
    assert.equal(problemOf({ ...good, Secret: "😀😀😀" }), undefined);
  });

  for (const name of ownModels) {
    it(`understands every pattern of ${name}`, async () => {
      for (const [, shape] of (await testModel(name)).shapes()) {
        if (shape.pattern !== undefined) assert.ok(patternOf(shape.pattern) instanceof RegExp);
      }
    });
  }

  it("understands Java's character classes", () => {
    assert.ok(patternOf("\\A\\S[\\p{Print}]*\\z").test("job-1 of 2"));
    assert.ok(!patternOf("\\A\\S[\\p{Print}]*\\z").test("job\n1"));
    assert.ok(patternOf("\\p{Print}+").test("a policy"));
    assert.ok(!patternOf("\\p{ASCII}*").test("é"));
    assert.ok(patternOf("arn:[\\p{Alnum}\\-]+").test("arn:aws-cn"));
  });
});
