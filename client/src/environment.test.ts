import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { describe, it } from "mocha";
import { describeEnvironment, deviceBytes, deviceIn, environmentOf } from "./environment.ts";
import { currentResult, sampleResult } from "../testing/sample-result.ts";

describe("a stack's environment", () => {
  it("is the emulator if the outputs have an endpoint URL", () => {
    assert.equal(environmentOf({ awsEndpointUrl: "http://127.0.0.1:4566" }), "emulator");
    assert.equal(environmentOf({}), "aws");
  });

  it("is described with the devices of the results, not with an instance type", () => {
    assert.equal(describeEnvironment("emulator", ["cpu"]), "AWS emulator, CPU of this machine, accelerated clock");
    assert.equal(
      describeEnvironment("emulator", ["cpu", "cuda"]),
      "AWS emulator, CPU and GPU of this machine, accelerated clock",
    );
    assert.equal(describeEnvironment("emulator"), "AWS emulator on this machine, accelerated clock");
    assert.equal(describeEnvironment("aws", ["cuda"]), "AWS");
  });
});

describe("a result's device", () => {
  // In the order in which the handler writes it.
  const { schema_version, notice, handler, ...rest } = currentResult;
  const long = {
    schema_version,
    notice,
    handler,
    ...rest,
    padding: Array.from({ length: 50_000 }, (_, index) => index),
  };
  const start = (bytes: Buffer) => bytes.subarray(0, deviceBytes);

  it("is found in the first bytes of a document or of lines, compressed or not", () => {
    const line = JSON.stringify({ kind: "header", ...long });
    for (const text of [JSON.stringify(long), `${line}\n`, JSON.stringify(long, undefined, 1)]) {
      assert.equal(deviceIn(start(Buffer.from(text))), "cuda");
      assert.equal(deviceIn(start(gzipSync(text))), "cuda");
    }
  });

  it("is not found in other texts, in strings, or in damaged gzip", () => {
    const text = JSON.stringify({ notice: JSON.stringify(currentResult) });
    for (const bytes of [
      Buffer.from(text),
      Buffer.from(JSON.stringify(sampleResult)),
      Buffer.from("a result"),
      Buffer.from([0x1f, 0x8b, 1, 2]),
    ]) {
      assert.equal(deviceIn(bytes), undefined);
    }
  });
});
