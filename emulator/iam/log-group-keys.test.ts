/** Tests the use of a KMS key for a log group, which CloudWatch Logs makes with its own permissions. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { CloudWatchLogsClient, CreateLogGroupCommand } from "@aws-sdk/client-cloudwatch-logs";
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { allow, policyOf, sessionOf } from "../testing/roles.ts";
import type { Statement } from "../testing/roles.ts";
import { startTestAws } from "../testing/test-aws.ts";
import type { TestAws } from "../testing/test-aws.ts";
import { sdkConfig, testAccount, testRegion } from "../testing/test-gateway.ts";

const groupArn = (name: string): string => `arn:aws:logs:${testRegion}:${testAccount}:log-group:${name}`;

describe("A log group with a key", () => {
  let aws: TestAws;
  let kms: KMSClient;
  /** Of a role without any permission for keys. */
  let logs: CloudWatchLogsClient;
  let made = 0;

  before(async function () {
    this.timeout(60_000);
    aws = await startTestAws();
    kms = new KMSClient(sdkConfig(aws));
    const credentials = await sessionOf(aws, "logger", { allow: [allow("Create", "logs:CreateLogGroup")] });
    logs = new CloudWatchLogsClient(sdkConfig(aws, credentials));
  });
  after(async function () {
    this.timeout(60_000);
    kms.destroy();
    logs.destroy();
    await aws.stop();
  });

  // As in the CloudWatch Logs user guide, "Encrypt log data in CloudWatch Logs using AWS Key Management Service".
  const forLogs: Statement = {
    ...allow("Logs", ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]),
    Principal: { Service: `logs.${testRegion}.amazonaws.com` },
    Condition: { ArnLike: { "kms:EncryptionContext:aws:logs:arn": groupArn("/videos/*") } },
  };
  /** Makes a key for the account and for what the statement allows; returns its ARN. */
  const keyWith = async (...statements: readonly Statement[]): Promise<string> => {
    const account = { ...allow("Account", "kms:*"), Principal: { AWS: `arn:aws:iam::${testAccount}:root` } };
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Policy: policyOf(account, ...statements) }));
    return KeyMetadata?.Arn ?? "";
  };
  const create = async (kmsKeyId: string, folder = "/videos"): Promise<unknown> => {
    made += 1;
    return await logs.send(new CreateLogGroupCommand({ logGroupName: `${folder}/${made}`, kmsKeyId }));
  };
  const refused = (error: Error): boolean => {
    assert.equal(error.name, "AccessDeniedException");
    assert.match(
      error.message,
      /^The specified KMS key does not exist or is not allowed to be used with Arn 'arn:aws:logs:.*:log-group:\/\w+\/\d+'$/,
    );
    return true;
  };

  it("is created if the key's policy lets CloudWatch Logs use the key", async () => {
    const key = await keyWith(forLogs);
    await create(key);
    await kms.send(new CreateAliasCommand({ AliasName: "alias/logs", TargetKeyId: key }));
    await create("alias/logs");
  });

  for (const [what, change] of [
    [
      "for another log group",
      { Condition: { ArnLike: { "kms:EncryptionContext:aws:logs:arn": groupArn("/other/*") } } },
    ],
    ["in another region", { Principal: { Service: "logs.eu-west-1.amazonaws.com" } }],
    ["only to decrypt", { Action: ["kms:Decrypt*", "kms:Describe*"] }],
  ] as const) {
    it(`is refused if it may use the key ${what}`, async () => {
      await assert.rejects(create(await keyWith({ ...forLogs, ...change })), refused);
    });
  }

  it("is refused with a key that only the account may use, and with one that does not exist", async () => {
    await assert.rejects(create(await keyWith()), refused);
    await assert.rejects(create(`arn:aws:kms:${testRegion}:${testAccount}:key/missing`), refused);
  });

  it("has the denied use of the key in the list of denials", async () => {
    const key = await keyWith();
    await assert.rejects(create(key), refused);
    const { action, principal, resource } = (await aws.launcher.denials()).at(-1) ?? {};
    const service = `logs.${testRegion}.amazonaws.com`;
    assert.deepEqual({ action, principal, resource }, { action: "kms:Encrypt", principal: service, resource: key });
  });
});
