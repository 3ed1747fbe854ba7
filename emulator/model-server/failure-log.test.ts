/** Tests that the reason of a failed model load is found in TorchServe's log. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { failureOf } from "./failure-log.ts";

const line = (thread: string, logger: string, text: string) =>
  `2026-01-02T03:04:05,678 [INFO ] ${thread} ${logger} - ${text}`;
const one = "W-9000-model_1.0-stdout";
const other = "W-9001-model_1.0-stdout";

const failure = (thread: string, exception: string) => [
  line(thread, "MODEL_LOG", "Traceback (most recent call last):"),
  line(thread, "MODEL_LOG", '  File "inference.py", line 5, in model_fn'),
  line(thread, "MODEL_LOG", "    raise RuntimeError('no such weights')"),
  line(thread, "MODEL_LOG", exception),
];

describe("The reason of a model server's failed start", () => {
  it("is the handler's exception, not the worker's that follows", () => {
    const log = [
      ...failure(one, "RuntimeError: no such weights"),
      ...failure(one, "RuntimeError: 500 - Unknown exception"),
      line("pool-2", "ACCESS_LOG", '"GET /ping HTTP/1.1" 200 0'),
    ].join("\n");
    assert.equal(
      failureOf(log),
      "RuntimeError: no such weights\n  File \"inference.py\", line 5, in model_fn\n    raise RuntimeError('no such weights')",
    );
  });

  it("is found among the lines of another worker", () => {
    const [a = "", b = "", c = "", d = ""] = failure(one, "ImportError: av");
    const log = [a, line(other, "MODEL_LOG", "Torch worker started."), b, c, line(other, "MODEL_LOG", "[PID]1"), d];
    assert.match(failureOf(log.join("\n")), /^ImportError: av\n/);
  });

  it("is the last exception of several", () => {
    const log = [...failure(one, "ValueError: first"), ...failure(other, "ValueError: second")].join("\n");
    assert.match(failureOf(log), /^ValueError: second\n/);
  });

  it("is the end of the log, without the emulator's probes, if there is no exception", () => {
    const probes = Array.from({ length: 50 }, () => line("pool-2", "TS_METRICS", "Requests2XX.Count:1.0"));
    const log = ["java not found, please make sure JAVA_HOME is set properly.", ...probes].join("\n");
    assert.equal(failureOf(log), "java not found, please make sure JAVA_HOME is set properly.");
  });
});
