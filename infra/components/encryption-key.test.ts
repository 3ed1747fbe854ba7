/** Tests the stack's key. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "mocha";
import { EncryptionKey } from "./encryption-key.ts";
import { statement, statements } from "../testing/documents.ts";
import { accountId, mockAccount, region, registrationsOf } from "../testing/registrations.ts";
import type { Registrations } from "../testing/registrations.ts";

describe("EncryptionKey", () => {
  let registrations: Registrations;
  let policy: unknown;

  before(async () => {
    ({ registrations } = await registrationsOf(() => {
      new EncryptionKey("clips", { account: mockAccount() });
    }));
    policy = JSON.parse(String(registrations.one("aws:kms/key:Key").inputs["policy"]));
  });

  it("is rotated, and its deletion can be cancelled for a month", () => {
    const { inputs } = registrations.one("aws:kms/key:Key");
    assert.equal(inputs["enableKeyRotation"], true);
    assert.equal(inputs["deletionWindowInDays"], 30);
  });

  it("has an alias", () => {
    assert.deepEqual(registrations.one("aws:kms/alias:Alias").inputs, { targetKeyId: "clips-0a1b2c3" });
  });

  it("has the policy that docs/configuration.md requires of an existing key", () => {
    const text = readFileSync(join(import.meta.dirname, "..", "..", "docs", "configuration.md"), "utf8");
    const section = text.split("## The encryption key")[1];
    const [, documented = ""] = /```json\n(.*?)\n```/s.exec(section ?? "") ?? [];
    const own = JSON.stringify(policy)
      .replaceAll(accountId, "444455556666")
      .replaceAll(region, "us-east-1")
      .replaceAll("clips-endpoint-", "video-dev-endpoint-");
    assert.deepEqual(JSON.parse(documented), JSON.parse(own));
  });

  it("is administered by its account, so that it cannot become unmanageable", () => {
    assert.deepEqual(statement(policy, "AccountAdministers").Principal, { AWS: `arn:aws:iam::${accountId}:root` });
  });

  it("is used by AWS's services only for the stack's needs", () => {
    const services = statements(policy).filter(({ Sid }) => Sid !== "AccountAdministers");
    assert.deepEqual(
      services.map(({ Principal, Action }) => [Principal, Action]),
      [
        ...["cloudwatch.amazonaws.com", "sns.amazonaws.com"].map((Service) => [
          { Service },
          ["kms:Decrypt", "kms:GenerateDataKey"],
        ]),
        [
          { Service: "logs.eu-west-1.amazonaws.com" },
          ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        ],
      ],
    );
    assert.deepEqual(statement(policy, "LogsOfEndpoint").Condition, {
      ArnLike: {
        "kms:EncryptionContext:aws:logs:arn": `arn:aws:logs:eu-west-1:${accountId}:log-group:/aws/sagemaker/Endpoints/clips-endpoint-*`,
      },
    });
    assert.deepEqual(statement(policy, "AlarmsPublish").Condition, {
      StringEquals: { "aws:SourceAccount": accountId },
    });
  });
});
