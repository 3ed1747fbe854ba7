/** SageMaker's endpoints: creates, updates, scales, describes and deletes them. */

import { isDeepStrictEqual } from "node:util";
import type { DeploymentConfig, SageMaker, UpdateEndpointInput } from "@aws-sdk/client-sagemaker";
import type { CapacityPort } from "../../core/scaling-types.ts";
import { AwsError, validationException } from "../../wire/service.ts";
import type { Handlers } from "../../wire/service.ts";
import type { SageMakerDependencies, SageMakerState } from "./dependencies.ts";
import type { EndpointConfigRecord } from "./endpoint-configs.ts";
import { LiveEndpoint } from "./live-endpoint.ts";
import { refuse, refuseMembers } from "../unsupported.ts";

/** Returns Application Auto Scaling's name of a variant. */
export function resourceIdOf(endpointName: string, variantName: string): string {
  return `endpoint/${endpointName}/variant/${variantName}`;
}

/** Returns the handlers of the operations on endpoints. */
export function endpointHandlers(state: SageMakerState) {
  const { configs, endpoints, tags, outbox, aws } = state;
  return {
    CreateEndpoint(input) {
      const { EndpointName: name = "", EndpointConfigName: configName = "" } = input;
      endpoints.assertFree(name);
      tags.check(input.Tags);
      checkDeployment(input.DeploymentConfig, aws);
      const config = configs.get(configName);
      checkQuota(state, config, config.variant.initialCount);
      const arn = endpoints.arnOf(name);
      const endpoint = new LiveEndpoint({ name, arn }, config, input.DeploymentConfig, aws, outbox);
      endpoints.add(endpoint);
      tags.create(arn, input.Tags);
      endpoint.create();
      return { EndpointArn: arn };
    },

    DescribeEndpoint({ EndpointName: name = "" }) {
      return endpoints.get(name).describe();
    },

    ListEndpoints(input) {
      const { LastModifiedTimeAfter: after, LastModifiedTimeBefore: before, StatusEquals: status } = input;
      const { items, nextToken } = endpoints.list(
        input,
        (endpoint) =>
          (after === undefined || endpoint.modifiedAt > after) &&
          (before === undefined || endpoint.modifiedAt < before) &&
          (status === undefined || endpoint.status === status),
      );
      return {
        Endpoints: items.map((endpoint) => ({
          EndpointName: endpoint.name,
          EndpointArn: endpoint.arn,
          CreationTime: endpoint.createdAt,
          LastModifiedTime: endpoint.modifiedAt,
          EndpointStatus: endpoint.status,
        })),
        NextToken: nextToken,
      };
    },

    UpdateEndpoint(input) {
      const { EndpointName: name = "", EndpointConfigName: configName = "" } = input;
      const endpoint = endpoints.get(name);
      const config = configs.get(configName);
      checkDeployment(input.DeploymentConfig, aws);
      assertIdle(endpoint);
      if (config === endpoint.config && !changesDeployment(input, endpoint, aws)) {
        throw validationException(
          `Cannot update endpoint with the currently in use endpoint configuration "${config.name}".`,
        );
      }
      checkVariantChange(endpoint, config, aws);
      const count = countAfterUpdate(input, endpoint, config);
      // Blue/green: while the new fleet starts, the old one still counts.
      checkQuota(state, config, count);
      const deployment = input.RetainDeploymentConfig === true ? endpoint.describe().LastDeploymentConfig : undefined;
      endpoint.update(config, count, input.DeploymentConfig ?? deployment);
      return { EndpointArn: endpoint.arn };
    },

    UpdateEndpointWeightsAndCapacities(input) {
      const endpoint = endpoints.get(input.EndpointName ?? "");
      assertIdle(endpoint);
      const [change, ...others] = input.DesiredWeightsAndCapacities ?? [];
      if (change?.VariantName !== endpoint.config.variant.name || others.length > 0) {
        throw validationException(
          `The variants of endpoint "${endpoint.arn}" are [${endpoint.config.variant.name}]; each must be named once.`,
        );
      }
      refuseMembers("DesiredWeightsAndCapacities", change, ["ServerlessUpdateConfig"]);
      outbox.test(endpoint.sender);
      const { DesiredInstanceCount: count } = change;
      if (count !== undefined) {
        checkQuota(state, endpoint.config, count - endpoint.capacity.desired);
        // Status and FailureReason show how it ends.
        endpoint.setDesired(count).catch(() => undefined);
      }
      return { EndpointArn: endpoint.arn };
    },

    DeleteEndpoint({ EndpointName: name = "" }) {
      const endpoint = endpoints.get(name);
      if (endpoint.status !== "Failed") assertIdle(endpoint);
      aws.scalableTargets.deregister(resourceIdOf(endpoint.name, endpoint.config.variant.name));
      void endpoint.machine.delete().then(() => {
        endpoints.remove(endpoint);
      });
      return {};
    },
  } satisfies Handlers<SageMaker>;
}

/**
 * Refuses as AWS does for update, delete and capacity changes of an endpoint that is being created, updated or scaled
 * (observed on AWS).
 */
function assertIdle(endpoint: LiveEndpoint): void {
  if (endpoint.status === "InService") return;
  if (endpoint.status === "Failed") {
    throw validationException(`Cannot update endpoint "${endpoint.arn}" in status Failed.`);
  }
  throw validationException(`Cannot update in-progress endpoint "${endpoint.arn}".`);
}

/**
 * Refuses changes that AWS refuses while a scalable target is registered (developer guide); its message is unconfirmed.
 */
function checkVariantChange(endpoint: LiveEndpoint, config: EndpointConfigRecord, aws: SageMakerDependencies): void {
  const { variant: before } = endpoint.config;
  const { variant: after } = config;
  const isRegistered = aws.scalableTargets.isRegistered(resourceIdOf(endpoint.name, before.name));
  const isRemoved = before.name !== after.name;
  if (isRegistered && (isRemoved || before.instanceType !== after.instanceType)) {
    const change = isRemoved ? "remove" : "change the instance type of";
    throw validationException(
      `Cannot ${change} variant ${before.name} of endpoint "${endpoint.arn}": it is registered as a scalable target with Application Auto Scaling. Deregister it first.`,
    );
  }
  if (isRemoved) refuse("UpdateEndpoint with another variant name");
}

/** Unless the variant's properties are retained, an update applies the configuration's initialInstanceCount again. */
function countAfterUpdate(input: UpdateEndpointInput, endpoint: LiveEndpoint, config: EndpointConfigRecord): number {
  const excluded = (input.ExcludeRetainedVariantProperties ?? []).map((property) => property.VariantPropertyType);
  if (input.RetainAllVariantProperties === true && !excluded.includes("DesiredInstanceCount")) {
    return endpoint.capacity.desired;
  }
  return config.variant.initialCount;
}

/** Tells whether an update to the current configuration is accepted for its deployment configuration. */
function changesDeployment(
  { DeploymentConfig: given }: UpdateEndpointInput,
  endpoint: LiveEndpoint,
  { deploymentConfigOnly = "accepted" }: SageMakerDependencies,
): boolean {
  return (
    deploymentConfigOnly === "accepted" &&
    given !== undefined &&
    !isDeepStrictEqual(endpoint.recorded(given), endpoint.describe().LastDeploymentConfig)
  );
}

function checkDeployment(deployment: DeploymentConfig | undefined, { alarms }: SageMakerDependencies): void {
  if (deployment === undefined) return;
  refuseMembers("DeploymentConfig", deployment, ["RollingUpdatePolicy"]);
  for (const { AlarmName: name = "" } of deployment.AutoRollbackConfiguration?.Alarms ?? []) {
    // Unconfirmed, including the message. Without this check a misspelled alarm would never roll back an update.
    if (alarms.state(name) === undefined) throw validationException(`Could not find alarm "${name}".`);
  }
  const routing = deployment.BlueGreenUpdatePolicy?.TrafficRoutingConfiguration;
  if (routing?.Type !== undefined && routing.Type !== "ALL_AT_ONCE") refuse(`traffic routing ${routing.Type}`);
}

function checkQuota(
  { endpoints, aws }: SageMakerState,
  { variant: { instanceType } }: EndpointConfigRecord,
  more: number,
): void {
  const quota = aws.instanceQuota ?? 8;
  const used = endpoints
    .values()
    .filter((endpoint) => endpoint.config.variant.instanceType === instanceType)
    .reduce((sum, endpoint) => sum + Math.max(endpoint.capacity.current, endpoint.capacity.desired), 0);
  if (more > 0 && used + more > quota) {
    throw new AwsError(
      "ResourceLimitExceeded",
      `The account-level service limit '${instanceType} for endpoint usage' is ${quota} Instances, with current utilization of ${used} Instances and a request delta of ${more} Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS Service Quotas is not available, contact AWS support to request an increase for this quota.`,
    );
  }
}

/** Returns the capacity of variants, as Application Auto Scaling reads and sets it. */
export function variantCapacity({ endpoints, outbox, aws }: SageMakerState): CapacityPort {
  const find = (resourceId: string): LiveEndpoint | undefined => {
    const [, endpointName = "", variantName = ""] = /^endpoint\/([^/]+)\/variant\/([^/]+)$/.exec(resourceId) ?? [];
    const endpoint = endpoints.find(endpointName);
    return endpoint?.config.variant.name === variantName ? endpoint : undefined;
  };
  return {
    current: (resourceId) => find(resourceId)?.capacity.desired,
    async set(resourceId, count) {
      const endpoint = find(resourceId);
      if (endpoint === undefined) throw validationException(`Could not find variant ${resourceId}.`);
      assertIdle(endpoint);
      if (aws.testNotificationOnScaling ?? true) outbox.test(endpoint.sender);
      await endpoint.setDesired(count);
    },
  };
}
