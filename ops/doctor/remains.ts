/** Checks for remains of an earlier deployment under the name of the stack's endpoint. */
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { SageMakerClient } from "@aws-sdk/client-sagemaker";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { endpointNameOf, logGroupOf } from "../../infra/endpoint-name.ts";
import { closing } from "../../lib/closing.ts";
import { endpointStatus, hasLogGroup } from "../../lib/endpoint-remains.ts";
import type { AwsAccess } from "./aws-clients.ts";
import { findingsOf } from "./finding.ts";
import type { Finding } from "./finding.ts";
import { namespace } from "../deployment/settings-file.ts";
import type { StackFile } from "./stack-file.ts";

const { ok, unchecked, warning } = findingsOf("endpoint");

/** Looks for the endpoint, and for a log group without an endpoint. */
export async function checkRemains(
  { name, assumesRole }: StackFile,
  { rollbackAlarms }: { readonly rollbackAlarms: readonly string[] },
  aws: AwsAccess,
): Promise<Finding> {
  const remedy = "Grant yourself sagemaker:DescribeEndpoint and logs:DescribeLogGroups.";
  if (assumesRole) {
    return unchecked("the stack's provider assumes a role", "Check SageMaker's console with that role.");
  }
  using sts = closing(new STSClient(aws));
  using sagemaker = closing(new SageMakerClient(aws));
  using logs = closing(new CloudWatchLogsClient(aws));
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
        `${endpoint} is still being deleted`,
        "Wait until it is deleted, or deploy with npm run -s pipeline -- up, which waits.",
      );
    }
    if (status !== undefined) return ok(`${endpoint} exists (${status})`);
    const group = logGroupOf(endpoint);
    if (!(await hasLogGroup(logs, group))) return ok(`${endpoint} will be created; nothing of that name is left`);
    return warning(
      `${endpoint} does not exist, but its log group ${group} does: a stack was destroyed, or a deployment failed`,
      `Deploy with npm run -s pipeline -- up --stack ${name}, which removes a log group that is not in the stack's state; or: aws logs delete-log-group --log-group-name ${group}`,
    );
  } catch (error) {
    return unchecked(error, remedy);
  }
}
