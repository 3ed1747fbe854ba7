import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";

describe("a stack trace of the program", () => {
  afterEach(() => {
    Reflect.deleteProperty(Error, "prepareStackTrace");
  });

  it("is Node's, although Pulumi's runner has installed a hook", async () => {
    Error.prepareStackTrace = () => "mapped";
    assert.equal(new Error("before").stack, "mapped");
    // The query loads the module anew: a test of the program may have loaded it in this process.
    await import(`./native-stack-traces.ts?${Date.now()}`);
    assert.match(new Error("after").stack ?? "", /native-stack-traces\.test\.ts:\d+/);
  });
});
