import assert from "node:assert/strict";
import { isHandlersReason, readBadFile } from "./bad-file.ts";

describe("the bad file's failure", () => {
  const bad = readBadFile();

  it("is the handler's with the handler's own sentence, also inside SageMaker's", () => {
    assert.ok(isHandlersReason(bad.reason, bad));
    assert.ok(isHandlersReason(`Received client error (400) from primary with message "${bad.reason}".`, bad));
  });

  it("is not the handler's with SageMaker's words about the log of the endpoint", () => {
    const words =
      "Received server error (500) from primary. See the log group /aws/sagemaker/Endpoints/video-dev-endpoint-0a1b2c3, format json.";
    assert.match(words, /video|format/i);
    assert.ok(!isHandlersReason(words, bad));
  });
});
