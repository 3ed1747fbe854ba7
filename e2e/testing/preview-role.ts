/** Checks the permissions of a workflow's job. */
import assert from "node:assert/strict";
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  PutRetentionPolicyCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import type { BootstrappedAccount } from "./bootstrapped-account.ts";

/** Asserts that only a job of the environment preview gets the preview role of dev, and that the role may read and not write. */
export async function assertPreviewRoleOnlyReads(account: BootstrappedAccount): Promise<void> {
  const role = account.variables["DEV_PREVIEW_ROLE"] ?? "";
  const assume = (environment: string) =>
    account.assumeRole(role, `repo:team/videos:environment:${environment}`, 3_600);
  await assert.rejects(assume("dev"), { message: "Not authorized to perform sts:AssumeRoleWithWebIdentity" });
  const job = await assume("preview");
  const credentials = {
    accessKeyId: job["AWS_ACCESS_KEY_ID"] ?? "",
    secretAccessKey: job["AWS_SECRET_ACCESS_KEY"] ?? "",
    sessionToken: job["AWS_SESSION_TOKEN"] ?? "",
  };
  const logs = new CloudWatchLogsClient({ ...account.access, credentials });
  await logs.send(new DescribeLogGroupsCommand({}));
  const change = { logGroupName: "/aws/sagemaker/Endpoints/video-dev-endpoint", retentionInDays: 1 };
  await assert.rejects(logs.send(new PutRetentionPolicyCommand(change)), {
    name: "AccessDeniedException",
    message: /GitHubActions is not authorized to perform: logs:PutRetentionPolicy /,
  });
  logs.destroy();
}
