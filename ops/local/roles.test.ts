import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { InterruptedError } from "../../lib/errors.ts";
import { freePort } from "../../lib/ports.ts";
import { attachLocalRoles, detachLocalRoles } from "./roles.ts";

describe("the roles of the stack local", () => {
  it("report the interrupt, not the emulator that it has stopped", async () => {
    const credentials = { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "secret" };
    const access = {
      url: `http://127.0.0.1:${await freePort()}`,
      region: "us-east-1",
      accountId: "000000000000",
      credentials,
    };
    const policies = {
      callerPolicyArn: "arn:aws:iam::000000000000:policy/a",
      operatorPolicyArn: "arn:aws:iam::000000000000:policy/b",
    };
    const interrupt = new InterruptedError("SIGINT", 130);
    const signal = AbortSignal.abort(interrupt);
    await assert.rejects(attachLocalRoles(access, policies, signal), interrupt);
    await assert.rejects(detachLocalRoles(access, signal), interrupt);
  });
});
