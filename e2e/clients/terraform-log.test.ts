/** Tests the reader of Terraform's log. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { terraformCalls } from "./terraform-log.ts";

/** Returns a record of the provider's log. */
function record(status: number, service: string, method: string, body = "<Answer/>"): string {
  return `2026-12-01T01:25:16.108Z [DEBUG] provider.terraform-provider-aws: HTTP Response Received: http.status_code=${status}
  http.response.body=
  | ${body}
   rpc.method=${method} tf_rpc=ReadResource rpc.service=${service} timestamp=2026-12-01T01:25:16.107Z
`;
}

describe("the calls in Terraform's log", () => {
  it("have service, operation and the status of an error", () => {
    const log = `${record(200, '"CloudWatch Logs"', "CreateLogGroup")}${record(404, "S3", "HeadBucket")}`;
    assert.deepEqual(terraformCalls(log), [
      { service: "CloudWatch Logs", operation: "CreateLogGroup" },
      { service: "S3", operation: "HeadBucket", code: "404", message: "" },
    ]);
  });

  it("have the words of a refusal by name", () => {
    const [call] = terraformCalls(
      record(400, "SageMaker", "CreateModel", '{"message":"The emulator does not implement X."}'),
    );
    assert.equal(call?.message, "The emulator does not implement X.");
  });

  it("do not include requests and other records", () => {
    const other = "2026-12-01T01:25:16.108Z [DEBUG] provider: HTTP Request Sent: rpc.method=A rpc.service=B\n";
    assert.deepEqual(terraformCalls(`${other}2026-12-01T01:25:16.108Z [INFO] provider: configuring\n`), []);
  });
});
