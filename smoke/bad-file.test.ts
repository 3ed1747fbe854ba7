import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { isHandlersReason, readBadFile } from "./bad-file.ts";

describe("the bad file's failure", () => {
  const bad = readBadFile();

  it("is recognised by the handler's sentence, also inside SageMaker's", () => {
    assert.ok(isHandlersReason(bad.reason, bad));
    assert.ok(isHandlersReason(`Received client error (400) from primary with message "${bad.reason}".`, bad));
  });

  it("is not recognised in SageMaker's message about the log of the endpoint", () => {
    const words =
      "Received server error (500) from primary. See the log group /aws/sagemaker/Endpoints/video-dev-endpoint-0a1b2c3, format json.";
    assert.match(words, /video|format/i);
    assert.ok(!isHandlersReason(words, bad));
  });
});
