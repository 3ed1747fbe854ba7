/** Whether the account may have as many instances of the type as this stack's endpoint, and the other stacks', may start. */
import {
  paginateListAWSDefaultServiceQuotas,
  paginateListServiceQuotas,
  type ServiceQuota,
  ServiceQuotasClient,
} from "@aws-sdk/client-service-quotas";
import type { AwsAccess } from "./aws.ts";
import { type Finding, ok, problem, unchecked, warning } from "./finding.ts";
import type { QuotaSharing } from "./quota-sharing.ts";

const check = "quota";
const service = { ServiceCode: "sagemaker", MaxResults: 100 };

/**
 * Instances that an update starts while all of the old ones still run: a blue/green update moves the endpoint to the new
 * configuration's one instance first (SageMaker developer guide, "Blue/Green Deployments").
 */
const duringUpdate = 1;

/** Quotas have codes of their own for each type; the name is what a type's quota can be told by. */
function quotaName(instanceType: string): string {
  return `${instanceType} for endpoint usage`;
}

/** Compares the account's quota of the instance type with what this stack needs, and with what all that share it need. */
export async function checkQuota(
  { instanceType, maxCapacity }: { readonly instanceType: string; readonly maxCapacity: number },
  sharing: QuotaSharing,
  aws: AwsAccess,
): Promise<Finding> {
  const client = new ServiceQuotasClient(aws);
  const name = quotaName(instanceType);
  try {
    const quota = await find(client, name);
    if (quota === undefined) {
      return problem(
        check,
        `SageMaker has no quota "${name}" in ${aws.region}`,
        `See that the region has the type (SageMaker pricing page), or set another instanceType or aws:region.`,
      );
    }
    const { Value = 0, QuotaCode = "" } = quota;
    const own = maxCapacity + duringUpdate;
    const all = sharing.stacks.reduce((sum, other) => sum + other.maxCapacity, own);
    const has = `${Value} ${name} in ${aws.region}`;
    const remedy =
      `Ask for more, and allow a day or two: aws service-quotas request-service-quota-increase --service-code sagemaker ` +
      `--quota-code ${QuotaCode} --desired-value ${all} --region ${aws.region}; or set a smaller maxCapacity.`;
    const needed = `an update at maxCapacity needs ${own}: ${maxCapacity} old instances and a new one`;
    if (Value < own) return problem(check, `${has}, and ${needed}`, remedy);
    const others = sharing.stacks.map((other) => `${other.name} ${other.maxCapacity}`).join(", ");
    const together = `with the stacks that share the quota (${others}) it is ${all}`;
    if (Value < all) return warning(check, `${has}, and ${needed}; ${together}`, remedy);
    const enough = `${has}, and ${needed}${others === "" ? "" : `; ${together}`}`;
    if (sharing.unknown.length === 0) return ok(check, enough);
    return warning(
      check,
      `${enough}; not counted: ${sharing.unknown.join("; ")}`,
      "Correct what keeps them from being counted, or compare the quota with their maxCapacity yourself (pulumi stack ls).",
    );
  } catch (error) {
    return unchecked(
      check,
      error,
      `Look at it in the console (Service Quotas, Amazon SageMaker, "${name}"), or allow yourself servicequotas:ListServiceQuotas.`,
    );
  } finally {
    client.destroy();
  }
}

/** The account's own value; AWS's default where the account has none (Service Quotas API, ListServiceQuotas). */
async function find(client: ServiceQuotasClient, name: string): Promise<ServiceQuota | undefined> {
  for (const paginate of [paginateListServiceQuotas, paginateListAWSDefaultServiceQuotas]) {
    for await (const { Quotas = [] } of paginate({ client }, service)) {
      const found = Quotas.find(({ QuotaName }) => QuotaName === name);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
