/** Checks that the account's quota of the instance type covers the instances of this stack's endpoint and of the other stacks'. */
import {
  paginateListAWSDefaultServiceQuotas,
  paginateListServiceQuotas,
  ServiceQuotasClient,
} from "@aws-sdk/client-service-quotas";
import type { ServiceQuota } from "@aws-sdk/client-service-quotas";
import { closing } from "../../lib/closing.ts";
import type { AwsAccess } from "./aws-clients.ts";
import { findingsOf } from "./finding.ts";
import type { Finding } from "./finding.ts";
import type { QuotaSharing } from "./quota-sharing.ts";

const { ok, problem, unchecked, warning } = findingsOf("quota");
const service = { ServiceCode: "sagemaker", MaxResults: 100 };

/**
 * Instances that an update starts while all of the old ones still run: a blue/green update moves the endpoint to the new
 * configuration's one instance first (SageMaker developer guide, "Blue/Green Deployments").
 */
const duringUpdate = 1;

/** Returns the name of a type's quota. Each type's quota has a separate code, so the name identifies it. */
function quotaName(instanceType: string): string {
  return `${instanceType} for endpoint usage`;
}

/** Compares the account's quota of the instance type with the need of this stack, and with that of all stacks that share it. */
export async function checkQuota(
  { instanceType, maxCapacity }: { readonly instanceType: string; readonly maxCapacity: number },
  sharing: QuotaSharing,
  aws: AwsAccess,
): Promise<Finding> {
  using client = closing(new ServiceQuotasClient(aws));
  const name = quotaName(instanceType);
  try {
    const quota = await find(client, name);
    if (quota === undefined) {
      return problem(
        `SageMaker has no quota "${name}" in ${aws.region}`,
        `Check that the region offers the type (SageMaker pricing page), or set another instanceType or aws:region.`,
      );
    }
    const { Value = 0, QuotaCode = "" } = quota;
    const own = maxCapacity + duringUpdate;
    const all = sharing.stacks.reduce((sum, other) => sum + other.maxCapacity, own);
    const has = `${Value} ${name} in ${aws.region}`;
    const remedy =
      `Request an increase, which takes a day or two: aws service-quotas request-service-quota-increase --service-code sagemaker ` +
      `--quota-code ${QuotaCode} --desired-value ${all} --region ${aws.region}; or set a smaller maxCapacity.`;
    const needed = `an update at maxCapacity needs ${own}: ${maxCapacity} old instances and a new one`;
    if (Value < own) return problem(`${has}, and ${needed}`, remedy);
    const others = sharing.stacks.map((other) => `${other.name} ${other.maxCapacity}`).join(", ");
    const together = `together with the stacks that share the quota (${others}), ${all} are needed`;
    if (Value < all) return warning(`${has}, and ${needed}; ${together}`, remedy);
    const enough = `${has}, and ${needed}${others === "" ? "" : `; ${together}`}`;
    if (sharing.unknown.length === 0) return ok(enough);
    return warning(
      `${enough}; not counted: ${sharing.unknown.join("; ")}`,
      "Correct these causes, or compare the quota with their maxCapacity yourself (pulumi stack ls).",
    );
  } catch (error) {
    return unchecked(
      error,
      `Check it in the console (Service Quotas, Amazon SageMaker, "${name}"), or grant yourself servicequotas:ListServiceQuotas.`,
    );
  }
}

/** Returns the account's value, or AWS's default if the account has none (Service Quotas API, ListServiceQuotas). */
async function find(client: ServiceQuotasClient, name: string): Promise<ServiceQuota | undefined> {
  for (const paginate of [paginateListServiceQuotas, paginateListAWSDefaultServiceQuotas]) {
    for await (const { Quotas = [] } of paginate({ client }, service)) {
      const found = Quotas.find(({ QuotaName }) => QuotaName === name);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
