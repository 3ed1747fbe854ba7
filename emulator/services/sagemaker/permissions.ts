/**
 * Permissions that SageMaker's operations need. Source, if no other is given: Service Authorization Reference, "Actions,
 * resources, and condition keys for Amazon SageMaker AI".
 */

import type { CreateEndpointConfigInput, SageMaker, Tag, VpcConfig } from "@aws-sdk/client-sagemaker";
import type { SageMakerRuntime } from "@aws-sdk/client-sagemaker-runtime";
import { permission } from "../../iam/permission.ts";
import type {
  Action,
  ConditionValues,
  KeyValues,
  Permission,
  PermissionsOf,
  ServicePermissions,
} from "../../iam/permission.ts";
import { AwsError } from "../../wire/service.ts";
import type { SageMakerState } from "./dependencies.ts";
import { tagsByKey } from "../tags.ts";
import { volumeKeyArn } from "./volume-key.ts";

/** A kind of resources, by name. */
interface Named {
  find(name: string): { readonly arn: string } | undefined;
  arnOf(name: string): string;
}

const serviceName = "sagemaker.amazonaws.com";

/** Returns the permissions of the control plane. */
export function controlPermissions(state: SageMakerState): ServicePermissions {
  const { models, configs, endpoints, tags, aws } = state;
  const on = (action: Action, arn: string, values: ConditionValues = {}): Permission =>
    permission(action, arn, { ...values, resourceTags: tags.find(arn) });
  const named = (action: Action, kind: Named, name = "", values: ConditionValues = {}): Permission =>
    on(action, arnOf(kind, name), values);
  /** Creating a resource with tags also needs the permission to tag (observed: CreateEndpointConfig, CreateProcessingJob). */
  const tagged = (operation: string, kind: Named, name = "", given: readonly Tag[] = []): Permission[] => {
    if (given.length === 0) return [];
    const keys = { "sagemaker:TaggingAction": operation };
    return [named("sagemaker:AddTags", kind, name, { requestTags: tagsByKey(given), keys })];
  };

  const operations = {
    CreateModel: (input) => [
      named("sagemaker:CreateModel", models, input.ModelName, {
        requestTags: tagsByKey(input.Tags),
        keys: networkKeys(input),
      }),
      ...tagged("CreateModel", models, input.ModelName, input.Tags),
      ...passRole(input.ExecutionRoleArn),
    ],
    DescribeModel: (input) => [named("sagemaker:DescribeModel", models, input.ModelName)],
    DeleteModel: (input) => [named("sagemaker:DeleteModel", models, input.ModelName)],
    ListModels: () => [permission("sagemaker:ListModels", "*")],

    CreateEndpointConfig: (input) => [
      named("sagemaker:CreateEndpointConfig", configs, input.EndpointConfigName, {
        requestTags: tagsByKey(input.Tags),
        keys: {
          ...networkKeys(input),
          ...variantKeys(input),
          "sagemaker:VolumeKmsKeyArn": volumeKeyArn(input.KmsKeyId, aws),
        },
      }),
      ...tagged("CreateEndpointConfig", configs, input.EndpointConfigName, input.Tags),
      ...passRole(input.ExecutionRoleArn),
    ],
    DescribeEndpointConfig: (input) => [named("sagemaker:DescribeEndpointConfig", configs, input.EndpointConfigName)],
    DeleteEndpointConfig: (input) => [named("sagemaker:DeleteEndpointConfig", configs, input.EndpointConfigName)],
    ListEndpointConfigs: () => [permission("sagemaker:ListEndpointConfigs", "*")],

    CreateEndpoint: (input) => {
      const values = { requestTags: tagsByKey(input.Tags) };
      return [
        named("sagemaker:CreateEndpoint", endpoints, input.EndpointName, values),
        named("sagemaker:CreateEndpoint", configs, input.EndpointConfigName, values),
        ...tagged("CreateEndpoint", endpoints, input.EndpointName, input.Tags),
      ];
    },
    DescribeEndpoint: (input) => [named("sagemaker:DescribeEndpoint", endpoints, input.EndpointName)],
    // Both resources are observed (aws-controllers-k8s/community#1889).
    UpdateEndpoint: (input) => [
      named("sagemaker:UpdateEndpoint", endpoints, input.EndpointName),
      named("sagemaker:UpdateEndpoint", configs, input.EndpointConfigName),
    ],
    UpdateEndpointWeightsAndCapacities: (input) => [
      named("sagemaker:UpdateEndpointWeightsAndCapacities", endpoints, input.EndpointName),
    ],
    DeleteEndpoint: (input) => [named("sagemaker:DeleteEndpoint", endpoints, input.EndpointName)],
    ListEndpoints: () => [permission("sagemaker:ListEndpoints", "*")],

    AddTags: ({ ResourceArn = "*", Tags }) => [on("sagemaker:AddTags", ResourceArn, { requestTags: tagsByKey(Tags) })],
    DeleteTags: ({ ResourceArn = "*", TagKeys = [] }) => [
      on("sagemaker:DeleteTags", ResourceArn, { tagKeys: TagKeys }),
    ],
    ListTags: ({ ResourceArn = "*" }) => [on("sagemaker:ListTags", ResourceArn)],
  } satisfies PermissionsOf<SageMaker>;
  // Status: observed (aws-samples/sagemaker-custom-project-templates#41).
  return { operations, denied: (message) => new AwsError("AccessDeniedException", message, 400) };

  function variantKeys({ ProductionVariants: variants = [] }: CreateEndpointConfigInput): KeyValues {
    const given = <Value>(values: readonly (Value | undefined)[]): Value[] | undefined => {
      const present = values.filter((value) => value !== undefined);
      return present.length === 0 ? undefined : present;
    };
    return {
      "sagemaker:AcceleratorTypes": given(variants.map(({ AcceleratorType }) => AcceleratorType)),
      "sagemaker:InstanceTypes": given(variants.map(({ InstanceType }) => InstanceType)),
      "sagemaker:ModelArn": given(variants.map(({ ModelName }) => ModelName && arnOf(models, ModelName))),
    };
  }
}

/**
 * Returns the permissions for the calls by which Application Auto Scaling tests whether a caller may scale a variant
 * (`endpoint/NAME/variant/VARIANT`). Source: Application Auto Scaling user guide, "Identity-based policy examples",
 * SageMaker endpoints.
 */
export function scalingPermissions(state: SageMakerState): (resourceId: string) => Permission[] {
  const { endpoints, tags } = state;
  return (resourceId) => {
    const [, name = ""] = resourceId.split("/");
    const on = (action: Action, arn: string) => permission(action, arn, { resourceTags: tags.find(arn) });
    const endpoint = arnOf(endpoints, name);
    const config = endpoints.find(name)?.config;
    return [
      on("sagemaker:DescribeEndpoint", endpoint),
      ...(config === undefined ? [] : [on("sagemaker:DescribeEndpointConfig", config.arn)]),
      on("sagemaker:UpdateEndpointWeightsAndCapacities", endpoint),
    ];
  };
}

/** Returns the permissions of the runtime. */
export function runtimePermissions({ endpoints, tags }: SageMakerState): ServicePermissions {
  const on = (action: Action, name = "", keys: KeyValues = {}): Permission[] => {
    const arn = arnOf(endpoints, name);
    return [permission(action, arn, { resourceTags: tags.find(arn), keys })];
  };
  const operations = {
    InvokeEndpoint: (input) =>
      on("sagemaker:InvokeEndpoint", input.EndpointName, { "sagemaker:TargetModel": input.TargetModel }),
    InvokeEndpointAsync: (input) => on("sagemaker:InvokeEndpointAsync", input.EndpointName),
    InvokeEndpointWithResponseStream: (input) => on("sagemaker:InvokeEndpointWithResponseStream", input.EndpointName),
  } satisfies PermissionsOf<SageMakerRuntime>;
  // Status: unconfirmed; that of the runtime's missing authentication token is observed
  // (aws/amazon-sagemaker-examples#290).
  return { operations, denied: (message) => new AwsError("AccessDeniedException", message, 403) };
}

/** Returns the ARN of a resource; one that exists keeps the case of its name. */
function arnOf(kind: Named, name: string): string {
  return kind.find(name)?.arn ?? kind.arnOf(name);
}

/** Source: API reference, CreateModel and CreateEndpointConfig, ExecutionRoleArn. */
function passRole(roleArn: string | undefined): Permission[] {
  if (roleArn === undefined) return [];
  return [permission("iam:PassRole", roleArn, { keys: { "iam:PassedToService": serviceName } })];
}

function networkKeys(input: {
  readonly VpcConfig?: VpcConfig | undefined;
  readonly EnableNetworkIsolation?: boolean | undefined;
}): KeyValues {
  const { VpcConfig: network, EnableNetworkIsolation: isolated } = input;
  return {
    "sagemaker:NetworkIsolation": isolated === undefined ? undefined : String(isolated),
    "sagemaker:VpcSecurityGroupIds": network?.SecurityGroupIds,
    "sagemaker:VpcSubnets": network?.Subnets,
  };
}
