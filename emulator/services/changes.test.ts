import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { RequestContext } from "../wire/service.ts";
import type { GuardedService } from "../iam/permission.ts";
import { reportingChanges } from "./changes.ts";

const context: RequestContext = { region: "", accountId: "", requestId: "", accessKeyId: "", now: new Date(0) };

/** Calls an operation of a wrapped service; returns its answer or error, and the events in their order. */
async function call(operation: string, handle: () => Promise<object>): Promise<[unknown, string[]]> {
  const events: string[] = [];
  const handler = async () => {
    const answer = handle();
    await answer.catch(() => undefined);
    events.push("handled");
    return await answer;
  };
  const permissions: GuardedService["permissions"] = { operations: {}, denied: () => assert.fail() };
  const service = reportingChanges({ model: "m", handlers: { [operation]: handler }, permissions }, () => {
    events.push("changed");
  });
  const handled = service.handlers[operation]?.({} as never, context);
  return [await Promise.resolve(handled).catch((error: unknown) => error), events];
}

describe("reportingChanges", () => {
  for (const operation of ["PutMetricAlarm", "InvokeEndpointAsync", "TagResource"]) {
    it(`reports a change after ${operation}`, async () => {
      const answer = { done: true };
      assert.deepEqual(await call(operation, () => Promise.resolve(answer)), [answer, ["handled", "changed"]]);
    });
  }

  it("reports a change after an operation that fails, and keeps its error", async () => {
    const error = new Error("refused");
    assert.deepEqual(await call("CreateEndpoint", () => Promise.reject(error)), [error, ["handled", "changed"]]);
  });

  for (const operation of ["DescribeEndpoint", "ListTags", "GetMetricData"]) {
    it(`reports no change after ${operation}`, async () => {
      const [, events] = await call(operation, () => Promise.resolve({}));
      assert.deepEqual(events, ["handled"]);
    });
  }
});
