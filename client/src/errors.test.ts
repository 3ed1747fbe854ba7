import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { once } from "node:events";
import { describe, it } from "mocha";
import { asClientError, AwsError, isPassing, SetupError } from "./errors.ts";

describe("an error that is thrown to the caller of the library", () => {
  const thrownBy = async (work: () => Promise<unknown>): Promise<unknown> => {
    try {
      await work();
    } catch (error) {
      return error;
    }
    return assert.fail("nothing was thrown");
  };

  it("is a SetupError if the file system caused it", async () => {
    const cause = await thrownBy(() => readFile("/none/file"));
    const error = asClientError(cause);
    assert.ok(error instanceof SetupError);
    assert.match(error.message, /ENOENT.*\/none\/file/);
    assert.equal(error.cause, cause);
  });

  it("is an AwsError with the code and the hint if the network or the credentials caused it", async () => {
    const refused = await thrownBy(() => once(connect(1, "127.0.0.1"), "connect"));
    const noCredentials = Object.assign(new Error("no credentials"), { name: "CredentialsProviderError" });
    for (const [cause, code, words] of [
      [refused, "ECONNREFUSED", /nothing answers there/],
      [noCredentials, "CredentialsProviderError", /no AWS credentials were found/],
    ] as const) {
      const error = asClientError(cause);
      assert.ok(error instanceof AwsError);
      assert.equal(error.code, code);
      assert.match(error.message, words);
    }
  });

  it("stays the same for an abort, an error of the client and a fault of the program", () => {
    for (const error of [new DOMException("enough", "AbortError"), new SetupError("no"), new TypeError("no")]) {
      assert.equal(asClientError(error), error);
    }
  });
});

describe("an error of AWS", () => {
  const answer = (name: string, httpStatusCode: number, more: object = {}) =>
    Object.assign(new Error("no"), { name, $metadata: { httpStatusCode, ...more } });

  it("is worth another try if AWS is overloaded", () => {
    assert.ok(isPassing(answer("ServiceUnavailable", 503)));
  });

  it("is not worth another try if AWS denies the call", () => {
    assert.ok(!isPassing(answer("AccessDenied", 403)));
  });

  it("is not worth another try if AWS denies the call and its clock differs from this machine's", () => {
    // The SDK marks the error so, and counts it as transient.
    assert.ok(!isPassing(answer("AccessDeniedException", 400, { clockSkewCorrected: true })));
  });
});
