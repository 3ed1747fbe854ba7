/** Tests the check of a service's calls, with an authorizer that records its requests. */

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "mocha";
import { denialOf, RecordingAuthorizer } from "../testing/recording-authorizer.ts";
import { AwsError, validationException } from "../wire/service.ts";
import type { RequestContext } from "../wire/service.ts";
import { authorizationOf } from "./authorization.ts";
import { permission } from "./permission.ts";
import type { Permission } from "./permission.ts";

const context: RequestContext = {
  region: "us-east-1",
  accountId: "000000000000",
  requestId: "r",
  accessKeyId: "KEY",
  now: new Date(0),
};
const alarm = (name: string) => `arn:aws:cloudwatch:us-east-1:000000000000:alarm:${name}`;
const [read, write] = ["cloudwatch:DescribeAlarms", "cloudwatch:DeleteAlarms"] as const;
const dev = { resourceTags: { stack: "dev" } };

describe("The check of a call", () => {
  let authorizer: RecordingAuthorizer;
  let needed: Permission[];
  let tested: Permission[];

  beforeEach(() => {
    authorizer = new RecordingAuthorizer();
    needed = [permission(write, alarm("a"))];
    tested = [];
  });

  const check = (operation = "DeleteAlarms", accessKeyId = "KEY") => {
    const permissions = {
      operations: { DeleteAlarms: () => needed },
      denied: (message: string) => new AwsError("AccessDenied", message, 403),
      tested: {
        operations: { DeleteAlarms: () => tested },
        denied: (actions: readonly string[]) => validationException(actions.join()),
      },
    };
    const service = { model: "cloudwatch", handlers: {}, permissions };
    return authorizationOf(service, authorizer, "ADMINISTRATOR")(operation, {}, { ...context, accessKeyId });
  };

  it("asks with the caller's key, the action, the resource and the conditions", async () => {
    needed = [permission(write, alarm("a"), dev)];
    await check();
    assert.deepEqual(authorizer.requests, [
      {
        caller: { accessKeyId: "KEY" },
        action: write,
        resources: [alarm("a")],
        context: { "aws:ResourceTag/stack": "dev" },
      },
    ]);
  });

  it("asks once for resources with the same conditions", async () => {
    needed = [permission(write, alarm("a")), permission(write, alarm("b"), dev), permission(write, alarm("c"))];
    await check();
    assert.deepEqual(
      authorizer.requests.map(({ resources }) => resources),
      [[alarm("a"), alarm("c")], [alarm("b")]],
    );
  });

  it("asks nothing about the administrator", async () => {
    authorizer.denied.add(write);
    await check("DeleteAlarms", "ADMINISTRATOR");
    assert.deepEqual(authorizer.requests, []);
  });

  it("refuses with the service's error and AWS's words, and asks no more", async () => {
    needed = [permission(write, alarm("a")), permission(read, alarm("a"))];
    authorizer.denied.add(write);
    await assert.rejects(check(), { code: "AccessDenied", status: 403, message: denialOf(write, alarm("a")) });
    assert.equal(authorizer.requests.length, 1);
  });

  it("refuses an operation whose permissions are not listed", async () => {
    const message = "The emulator does not know which permissions cloudwatch:PutMetricStream needs.";
    await assert.rejects(check("PutMetricStream"), { code: "NotImplementedException", status: 501, message });
  });

  it("refuses an operation that would need no permission", async () => {
    needed = [];
    await assert.rejects(check(), { code: "NotImplementedException" });
  });

  it("names all permissions that the service tests and that are missing", async () => {
    tested = [permission(write, alarm("")), permission(read, alarm("*")), permission(write, alarm("x"), dev)];
    for (const action of [read, write]) authorizer.denied.add(action);
    needed = [permission("cloudwatch:SetAlarmState", alarm("a"))];
    await assert.rejects(check(), { code: "ValidationException", message: `${write},${read}` });
  });

  it("tests no permissions for a caller who may not make the call", async () => {
    tested = [permission(read, alarm("*"))];
    authorizer.denied.add(write);
    await assert.rejects(check(), { code: "AccessDenied" });
    assert.deepEqual(
      authorizer.requests.map(({ action }) => action),
      [write],
    );
  });

  it("fails if there is no decision", async () => {
    const silent = { authorize: () => Promise.reject(new Error("no answer")) };
    const permissions = { operations: { DeleteAlarms: () => needed }, denied: validationException };
    const authorize = authorizationOf({ model: "cloudwatch", handlers: {}, permissions }, silent, "ADMINISTRATOR");
    await assert.rejects(authorize("DeleteAlarms", {}, context), { message: "no answer" });
  });
});
