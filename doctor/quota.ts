/** Whether the account may have as many instances of the type as the endpoint may start. */
import {
  paginateListAWSDefaultServiceQuotas,
  paginateListServiceQuotas,
  type ServiceQuota,
  ServiceQuotasClient,
} from "@aws-sdk/client-service-quotas";
import type { AwsAccess } from "./aws.ts";
import { type Finding, ok, problem, unchecked } from "./finding.ts";

const check = "quota";
const service = { ServiceCode: "sagemaker", MaxResults: 100 };

/** Quotas have codes of their own for each type; the name is what a type's quota can be told by. */
function quotaName(instanceType: string): string {
  return `${instanceType} for endpoint usage`;
}

/** Compares the account's quota of the instance type with the most instances that the endpoint may have. */
export async function checkQuota(
  { instanceType, maxCapacity }: { readonly instanceType: string; readonly maxCapacity: number },
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
    const what = `${Value} ${name} in ${aws.region}, and the endpoint may start ${maxCapacity} (maxCapacity)`;
    if (Value >= maxCapacity) return ok(check, what);
    return problem(
      check,
      what,
      `Ask for more, and allow a day or two: aws service-quotas request-service-quota-increase --service-code sagemaker ` +
        `--quota-code ${QuotaCode} --desired-value ${maxCapacity} --region ${aws.region}; or set a smaller maxCapacity.`,
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
