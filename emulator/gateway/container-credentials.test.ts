/** Tests that containers, and no one else, get sessions of their role. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { request as httpRequest } from "node:http";
import { promisify } from "node:util";
import { after, before, beforeEach, describe, it } from "mocha";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { createRole } from "../testing/roles.ts";
import { startTestAws } from "../testing/test-aws.ts";
import type { TestAws } from "../testing/test-aws.ts";
import { sdkConfig, testAccount, testRegion } from "../testing/test-gateway.ts";
import { ministackPython } from "../../tools/paths.mjs";
import type { ContainerAccess } from "./container-credentials.ts";

describe("Credentials for a container", function () {
  this.timeout(60_000);
  let aws: TestAws;
  let roleArn: string;
  let access: ContainerAccess;
  let variables: Readonly<Record<string, string>>;

  before(async () => {
    aws = await startTestAws();
    roleArn = await createRole(aws, "model");
  });
  beforeEach(() => {
    access = aws.containers.admit(roleArn, "SageMaker");
    variables = access.environment(aws.url);
  });
  after(() => aws.stop());

  const ask = async (changes: Record<string, string> = {}, method = "GET"): Promise<number | undefined> => {
    const headers = { authorization: variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] ?? "", ...changes };
    const url = variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] ?? "";
    return await new Promise((resolve) => {
      httpRequest(url, { headers, method, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).end();
    });
  };

  it("are a session of the role for an hour of real time", async () => {
    const answer = await fetch(variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] ?? "", {
      headers: { authorization: variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] ?? "" },
    });
    const session = (await answer.json()) as Record<string, string>;
    const { AccessKeyId = "", SecretAccessKey = "", Token = "", Expiration = "" } = session;
    const credentials = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token };
    const sts = new STSClient(sdkConfig(aws, credentials));
    const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
    sts.destroy();
    assert.equal(Arn, `arn:aws:sts::${testAccount}:assumed-role/model/SageMaker`);
    const left = Date.parse(Expiration) - Date.now();
    assert.ok(left > 3_500_000 && left <= 3_600_000, `${left} ms`);
  });

  it("are found by Python's SDK in the container's environment", async () => {
    const program = [
      "from botocore.session import get_session",
      "print(get_session().create_client('sts').get_caller_identity()['Arn'])",
    ].join("\n");
    const env = { ...variables, AWS_ENDPOINT_URL: aws.url, AWS_DEFAULT_REGION: testRegion, HOME: "/nonexistent" };
    const { stdout } = await promisify(execFile)(ministackPython, ["-c", program], { env });
    assert.equal(stdout.trim(), `arn:aws:sts::${testAccount}:assumed-role/model/SageMaker`);
  });

  it("are refused without the container's token", async () => {
    assert.equal(await ask(), 200);
    for (const authorization of ["", "x", `Bearer ${variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] ?? ""}`]) {
      assert.equal(await ask({ authorization }), 403);
    }
  });

  it("are refused after the container has ended", async () => {
    access.revoke();
    assert.equal(await ask(), 403);
  });

  it("are refused to web pages and under other host names", async () => {
    const attempts: readonly Record<string, string>[] = [
      { origin: "http://evil.example" },
      { origin: aws.url },
      { "sec-fetch-site": "cross-site" },
      { host: "evil.example" },
    ];
    for (const headers of attempts) assert.equal(await ask(headers), 403);
  });

  it("are refused for other methods", async () => {
    assert.equal(await ask({}, "POST"), 403);
  });

  it("are missing if the role does not exist", async () => {
    variables = aws.containers.admit(`${roleArn}-none`, "SageMaker").environment(aws.url);
    assert.equal(await ask(), 404);
  });
});
