/** Whether an earlier deployment left something under the name that the stack's endpoint will have. */
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { SageMakerClient } from "@aws-sdk/client-sagemaker";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { endpointNameOf, logGroupOf } from "../../infra/endpoint-name.ts";
import { endpointStatus, hasLogGroup } from "../../lib/endpoint-remains.ts";
import type { AwsAccess } from "./aws.ts";
import { type Finding, ok, unchecked, warning } from "./finding.ts";
import { namespace, type StackFile } from "./stack-file.ts";

const check = "endpoint";

/** Looks for the endpoint, and for a log group without an endpoint. */
export async function checkRemains(
  { name, assumesRole }: StackFile,
  { rollbackAlarms }: { readonly rollbackAlarms: readonly string[] },
  aws: AwsAccess,
): Promise<Finding> {
  const remedy = "Allow yourself sagemaker:DescribeEndpoint and logs:DescribeLogGroups.";
  if (assumesRole) {
    return unchecked(check, "the stack's provider assumes a role", "Look at SageMaker's console with that role.");
  }
  const [sts, sagemaker, logs] = [new STSClient(aws), new SageMakerClient(aws), new CloudWatchLogsClient(aws)];
  try {
    const { Account: accountId = "" } = await sts.send(new GetCallerIdentityCommand({}));
    const endpoint = endpointNameOf({
      accountId,
      region: aws.region,
      project: namespace,
      stack: name,
      rollbackAlarms,
    });
    const status = await endpointStatus(sagemaker, endpoint);
    if (status === "Deleting") {
      return warning(
        check,
        `${endpoint} is still being deleted`,
        "Wait for its end, or deploy with npm run -s pipeline -- up, which does.",
      );
    }
    if (status !== undefined) return ok(check, `${endpoint} is there (${status})`);
    const group = logGroupOf(endpoint);
    if (!(await hasLogGroup(logs, group)))
      return ok(check, `${endpoint} will be created; nothing of that name is left`);
    return warning(
      check,
      `there is no ${endpoint}, but its log group ${group}, of a stack that was destroyed, or of a deployment that failed`,
      `Deploy with npm run -s pipeline -- up --stack ${name}, which removes what the stack does not know; or: aws logs delete-log-group --log-group-name ${group}`,
    );
  } catch (error) {
    return unchecked(check, error, remedy);
  } finally {
    for (const client of [sts, sagemaker, logs]) client.destroy();
  }
}
