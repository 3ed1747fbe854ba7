import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { isBadInput, isShortened, reasonOf } from "./failure.ts";

describe("bad input", () => {
  for (const [words, expected] of [
    ["ClientError: Received client error (400) from model. See the SageMaker Endpoint logs.", true],
    ['ClientError: Received client error (406) from primary with message "x".', true],
    ['{"error": "The body holds no video track.", "code": 400}', true],
    ['Received: "{\\"error\\": \\"no\\", \\"code\\": 413}".', true],
    ["ClientError: Received server error (500) from model.", false],
    ["ClientError: Received client error (429) from model.", false],
    ['{"code": 503, "type": "ServiceUnavailableException", "message": "busy"}', false],
    ['{"error": "The body holds no video track."}', false],
    ["", false],
  ] as const) {
    it(`is ${expected ? "" : "not "}recognised in ${words || "an empty object"}`, () => {
      assert.equal(isBadInput(words), expected);
    });
  }
});

describe("the reason in a failure object", () => {
  const modelsWords = "not a video: moov atom not found";
  const bodies = {
    "the model's JSON": JSON.stringify({ error: modelsWords }),
    "the model's JSON with its type": JSON.stringify({ error: { type: "NotAVideo", message: modelsWords } }),
    "a model server's JSON": JSON.stringify({ code: 400, type: "BadRequest", message: modelsWords }),
    "the model's JSON as a JSON string": JSON.stringify(JSON.stringify({ error: modelsWords })),
    "the model's JSON inside SageMaker's sentence": `Received client error (400) from primary with message "{"error": "${modelsWords}"}". See https://example.com for more.`,
    "the model's JSON, escaped, inside SageMaker's sentence": `Received client error (400) from primary with message "{\\"error\\": \\"${modelsWords}\\"}". See the log.`,
    "SageMaker's sentence inside JSON": JSON.stringify({ message: `Received: {"error": "${modelsWords}"}.` }),
    "plain text": `  ${modelsWords}\n`,
  };
  for (const [form, body] of Object.entries(bodies)) {
    it(`is found in ${form}`, () => {
      assert.equal(reasonOf(body), modelsWords);
    });
  }

  it("explains the fix for an option that an older handler does not know", () => {
    const words = "CustomAttributes: 'timeout=900' is no option: allowed, each once, are fps=NUMBER and score=NUMBER.";
    const reason = reasonOf(JSON.stringify({ error: words }));
    assert.match(
      reason,
      /^The endpoint's handler is older than this client: deploy the stack again\. \(CustomAttributes/,
    );
  });

  it("is the whole sentence if it has no message of the model inside", () => {
    const sentence = "ClientError: Received server error (500) from model. See the SageMaker Endpoint logs {of yours}.";
    assert.equal(reasonOf(sentence), sentence);
  });

  it("is the JSON itself if no member has a reason", () => {
    assert.equal(reasonOf('{"code": 507}'), '{"code": 507}');
  });

  it("reports an empty failure object", () => {
    assert.match(reasonOf(" \n"), /empty/);
    assert.equal(reasonOf('{"error": ""}'), '{"error": ""}');
  });

  it("is marked if it is shortened", () => {
    const reason = reasonOf("x".repeat(601));
    assert.equal(reason, `${"x".repeat(600)}… (the first 600 of 601 characters)`);
    assert.ok(isShortened(reason));
    assert.equal(reasonOf("x".repeat(600)), "x".repeat(600));
  });
});
