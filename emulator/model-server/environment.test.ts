/** Tests the environment of a model server. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { containerEnvironment } from "./environment.ts";

describe("A model server's environment", () => {
  const environmentFor = (asked: Record<string, string> = {}) => containerEnvironment("/base", "us-east-1", asked);

  it("gives the Model's variables precedence", () => {
    const environment = environmentFor({ TS_DEFAULT_RESPONSE_TIMEOUT: "900", SAGEMAKER_MODEL_SERVER_WORKERS: "2" });
    assert.equal(environment["TS_DEFAULT_RESPONSE_TIMEOUT"], "900");
    assert.equal(environment["SAGEMAKER_MODEL_SERVER_WORKERS"], "2");
  });

  it("starts one worker by default, as the image does on an instance with one GPU", () => {
    assert.equal(environmentFor()["SAGEMAKER_MODEL_SERVER_WORKERS"], "1");
  });

  it("maps the container's paths to the instance's folder", () => {
    const environment = environmentFor({ A: "/opt/ml/model/code", B: "/opt/ml", C: "/opt/mlx", D: "s3://b/opt/ml/" });
    assert.deepEqual([environment["A"], environment["B"]], ["/base/ml/model/code", "/base/ml"]);
    assert.deepEqual([environment["C"], environment["D"]], ["/opt/mlx", "s3://b/opt/ml/"]);
  });

  it("sizes Java's heap by the size limits, up to a maximum", () => {
    const heap = (asked: Record<string, string>) =>
      Number(/-Xmx(\d+)m/.exec(environmentFor(asked)["JAVA_TOOL_OPTIONS"] ?? "")?.[1]);
    assert.equal(heap({}), 281);
    assert.equal(heap({ TS_MAX_REQUEST_SIZE: String(512 * 1024 * 1024) }), 256 + 1024 + 13);
    assert.equal(heap({ TS_MAX_REQUEST_SIZE: "2147483647", TS_MAX_RESPONSE_SIZE: "2147483647" }), 4096);
    assert.equal(heap({ TS_MAX_REQUEST_SIZE: "many" }), 281);
  });

  it("passes only the search path of the emulator's environment to the model", () => {
    process.env["A_SECRET_OF_OURS"] = "x";
    assert.equal("A_SECRET_OF_OURS" in environmentFor(), false);
    delete process.env["A_SECRET_OF_OURS"];
  });
});
