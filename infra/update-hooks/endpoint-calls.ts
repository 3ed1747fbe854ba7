/** The calls to SageMaker that the hooks of an endpoint make. */
import * as pulumi from "@pulumi/pulumi";

/** Current state of an endpoint. */
export interface LiveEndpoint {
  /** SageMaker's EndpointStatus. */
  readonly status: string;
  /** Name of its only variant. */
  readonly variantName: string;
  /** Desired number of instances. */
  readonly desired: number;
  /** Name of the current endpoint configuration. */
  readonly configuration: string;
  /** Reason for the last failure, as SageMaker returns it. */
  readonly failureReason?: string | undefined;
}

/** The calls to SageMaker that the hooks make. Each rejects with the SDK's error if SageMaker refuses it or does not answer in time. */
export interface EndpointPort {
  /** Returns the current state of an endpoint. */
  describe(endpointName: string): Promise<LiveEndpoint>;
  /** Sets the desired number of instances of a variant. */
  setDesired(endpointName: string, variantName: string, count: number): Promise<void>;
}

/** Timeout of a call in milliseconds, so that a lost answer does not block the deployment. The SDK sets no limit. */
export const requestHandler = {
  connectionTimeout: 5_000,
  requestTimeout: 30_000,
  throwOnRequestTimeout: true,
  // The SDK's connections ignore HTTPS_PROXY unless an agent is set.
  httpsAgent: { proxyEnv: process.env },
} as const;

/** SageMaker with the credentials of AWS's default chain and the provider's profile. The SDK is loaded on first use. */
export async function sageMaker(region: string): Promise<EndpointPort> {
  const { DescribeEndpointCommand, SageMakerClient, UpdateEndpointWeightsAndCapacitiesCommand } =
    await import("@aws-sdk/client-sagemaker");
  const profile = new pulumi.Config("aws").get("profile");
  const client = new SageMakerClient({ region, requestHandler, ...(profile === undefined ? {} : { profile }) });
  return {
    async describe(EndpointName) {
      const found = await client.send(new DescribeEndpointCommand({ EndpointName }));
      const [variant] = found.ProductionVariants ?? [];
      return {
        status: found.EndpointStatus ?? "",
        variantName: variant?.VariantName ?? "",
        desired: variant?.DesiredInstanceCount ?? 0,
        configuration: found.EndpointConfigName ?? "",
        failureReason: found.FailureReason,
      };
    },
    async setDesired(EndpointName, VariantName, DesiredInstanceCount) {
      const DesiredWeightsAndCapacities = [{ VariantName, DesiredInstanceCount }];
      await client.send(new UpdateEndpointWeightsAndCapacitiesCommand({ EndpointName, DesiredWeightsAndCapacities }));
    },
  };
}
