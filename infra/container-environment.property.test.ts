/** Tests the serving container's environment for any limits. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import fc from "fast-check";
import { containerEnvironment, containerStartupTimeout } from "./container-environment.ts";
import type { ServingSettings } from "./container-environment.ts";
import { defaults } from "./defaults.ts";

const limits = fc.record<ServingSettings>({
  maxConcurrency: fc.integer({ min: 1, max: 16 }),
  invocationTimeout: fc.integer({ min: 1, max: 3600 }),
  maxRequestSize: fc.integer({ min: 1, max: 1024 }),
  maxResponseSize: fc.integer({ min: 1, max: 2047 }),
  sampleFps: fc.double({ min: 0.01, max: 1000, noNaN: true }),
  scoreThreshold: fc.double({ min: 0.01, max: 1, noNaN: true }),
  requireGpu: fc.boolean(),
});

/** Returns the MiB of Java's heap. */
function heap(environment: Record<string, string>): number {
  return Number(/-Xmx(\d+)m/.exec(environment["JAVA_TOOL_OPTIONS"] ?? "")?.[1]);
}

describe("the container's environment", () => {
  it("has one worker for each concurrent invocation that SageMaker sends", () => {
    fc.assert(
      fc.property(limits, (given) => {
        assert.equal(
          containerEnvironment(given, "torchserve")["SAGEMAKER_MODEL_SERVER_WORKERS"],
          String(given.maxConcurrency),
        );
      }),
    );
  });

  it("makes the model server wait at least as long as an invocation may take, by both names of the timeout", () => {
    fc.assert(
      fc.property(limits, (given) => {
        const environment = containerEnvironment(given, "torchserve");
        assert.ok(Number(environment["TS_DEFAULT_RESPONSE_TIMEOUT"]) >= given.invocationTimeout);
        assert.ok(Number(environment["SAGEMAKER_MODEL_SERVER_TIMEOUT"]) >= given.invocationTimeout);
      }),
    );
  });

  for (const server of ["torchserve", "ray"] as const) {
    it(`passes the handler in ${server} the time limit of an invocation, in whole seconds, and the server waits as long`, () => {
      fc.assert(
        fc.property(limits, (given) => {
          const environment = containerEnvironment(given, server);
          assert.equal(environment["INVOCATION_TIMEOUT"], String(given.invocationTimeout));
          const waits = environment[server === "ray" ? "RAYSERVE_BACKEND_TIMEOUT" : "TS_DEFAULT_RESPONSE_TIMEOUT"];
          assert.ok(Number(waits) >= Number(environment["INVOCATION_TIMEOUT"]));
        }),
      );
    });
  }

  for (const server of ["torchserve", "ray"] as const) {
    it(`tells the handler in ${server} to fail without a GPU only if that is chosen`, () => {
      fc.assert(
        fc.property(limits, (given) => {
          assert.equal(containerEnvironment(given, server)["REQUIRE_GPU"], given.requireGpu ? "1" : undefined);
        }),
      );
    });
  }

  it("gives a worker ten minutes to load the model, and the container more", () => {
    fc.assert(
      fc.property(limits, (given) => {
        const seconds = containerEnvironment(given, "torchserve")["TS_DEFAULT_STARTUP_TIMEOUT"];
        assert.equal(seconds, "600");
        assert.ok(containerStartupTimeout > Number(seconds));
      }),
    );
  });

  it("gives sizes in bytes that fit into TorchServe's int", () => {
    fc.assert(
      fc.property(limits, (given) => {
        const environment = containerEnvironment(given, "torchserve");
        assert.equal(Number(environment["TS_MAX_REQUEST_SIZE"]), given.maxRequestSize * 1024 ** 2);
        assert.equal(Number(environment["TS_MAX_RESPONSE_SIZE"]), given.maxResponseSize * 1024 ** 2);
        assert.ok(Number(environment["TS_MAX_RESPONSE_SIZE"]) < 2 ** 31);
      }),
    );
  });

  it("turns off the API that registers further models with TorchServe", () => {
    fc.assert(
      fc.property(limits, (given) => {
        assert.equal(containerEnvironment(given, "torchserve")["TS_ENABLE_MODEL_API"], "false");
      }),
    );
  });

  it("has a heap that can hold every request and response in flight, and grows with each limit", () => {
    fc.assert(
      fc.property(limits, (given) => {
        const { maxConcurrency, maxRequestSize, maxResponseSize } = given;
        const size = heap(containerEnvironment(given, "torchserve"));
        assert.ok(size > maxConcurrency * (maxRequestSize + maxResponseSize));
        assert.ok(heap(containerEnvironment({ ...given, maxRequestSize: maxRequestSize + 1 }, "torchserve")) > size);
        assert.ok(heap(containerEnvironment({ ...given, maxResponseSize: maxResponseSize + 1 }, "torchserve")) > size);
        assert.ok(heap(containerEnvironment({ ...given, maxConcurrency: maxConcurrency + 1 }, "torchserve")) > size);
      }),
    );
  });

  it("leaves a quarter of ml.g4dn.xlarge's 16 GiB to the workers, with the blog's concurrency and the largest inputs", () => {
    const { JAVA_TOOL_OPTIONS } = containerEnvironment({ ...defaults, requireGpu: true }, "torchserve");
    const [, heapSize, directSize] = /-Xmx(\d+)m -XX:MaxDirectMemorySize=(\d+)m/.exec(JAVA_TOOL_OPTIONS ?? "") ?? [];
    assert.ok(Number(heapSize) + Number(directSize) <= 12 * 1024, JAVA_TOOL_OPTIONS);
  });

  it("passes the handler the sampling rate and the score threshold", () => {
    fc.assert(
      fc.property(limits, (given) => {
        const environment = containerEnvironment(given, "torchserve");
        assert.equal(Number(environment["SAMPLE_FPS"]), given.sampleFps);
        assert.equal(Number(environment["SCORE_THRESHOLD"]), given.scoreThreshold);
      }),
    );
  });

  it("has none of the variables that make the toolkit use a timeout of 60 s", () => {
    fc.assert(
      fc.property(limits, (given) => {
        assert.deepEqual(
          Object.keys(containerEnvironment(given, "torchserve")).filter((name) => name.startsWith("SAGEMAKER_TS_")),
          [],
        );
      }),
    );
  });

  describe("for Ray Serve", () => {
    it("makes AWS's adapter wait as long as an invocation may take, in whole seconds as it requires", () => {
      fc.assert(
        fc.property(limits, (given) => {
          const { RAYSERVE_BACKEND_TIMEOUT } = containerEnvironment(given, "ray");
          assert.equal(RAYSERVE_BACKEND_TIMEOUT, String(given.invocationTimeout));
          assert.match(RAYSERVE_BACKEND_TIMEOUT, /^[1-9]\d*$/);
        }),
      );
    });

    it("passes the handler the same variables as for TorchServe, and no variable of TorchServe", () => {
      fc.assert(
        fc.property(limits, (given) => {
          const environment = containerEnvironment(given, "ray");
          const other = containerEnvironment(given, "torchserve");
          for (const name of [
            "SAGEMAKER_MODEL_SERVER_WORKERS",
            "SAMPLE_FPS",
            "SCORE_THRESHOLD",
            "INVOCATION_TIMEOUT",
          ]) {
            assert.equal(environment[name], other[name]);
          }
          assert.deepEqual(
            Object.keys(environment).filter((name) => /^TS_|JAVA|SERVER_TIMEOUT/.test(name)),
            [],
          );
        }),
      );
    });
  });
});
