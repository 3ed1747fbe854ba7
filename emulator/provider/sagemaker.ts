/** SageMaker: models, endpoint configurations and endpoints. */
import type * as sagemaker from "@pulumi/aws/sagemaker/index.js";
import { crud } from "./crud.ts";
import { ProviderError } from "./errors.ts";
import type { ErrorCode } from "./errors.ts";
import type { Members, Properties } from "./mapping.ts";
import {
  blockField,
  booleanField,
  listField,
  mapField,
  numberField,
  setField,
  stringField,
  stringItem,
} from "./properties.ts";
import type { FieldsOf } from "./properties.ts";
import type { Failure, Scope } from "./resource.ts";
import { byProperties } from "./row.ts";
import { isRecord, unknown } from "./values.ts";

/** SageMaker reports a missing resource with a ValidationException and this message. */
const notFound = (what: string): ErrorCode[] => [
  { code: "ValidationException", says: `Could not find ${what}` },
  "ResourceNotFound",
];

const maxNameLength = 63;

/** Names of models, configurations and endpoints. */
function checkName({ name }: Properties): Failure[] {
  if (typeof name !== "string" || name === unknown) return [];
  if (name.length <= maxNameLength && /^[0-9A-Za-z](-*[0-9A-Za-z])*$/.test(name)) return [];
  const reason = `The name ${name} must have 1 to 63 letters, digits and inner hyphens: give the resource a shorter name, or set "name"`;
  return [{ property: "name", reason }];
}

const common = {
  service: "sagemaker",
  identity: byProperties(["name"]),
  tags: { set: "AddTags", remove: "DeleteTags", list: "ListTags" },
} as const;

export const model = crud({
  ...common,
  token: "aws:sagemaker/model:Model",
  fields: {
    name: stringField({ autoName: { max: 255 }, member: "ModelName" }),
    executionRoleArn: stringField({ required: true }),
    primaryContainer: blockField({
      environment: mapField(),
      image: stringField(),
      mode: stringField({ default: "SingleModel" }),
      modelDataUrl: stringField(),
    }),
    enableNetworkIsolation: booleanField(),
    vpcConfig: blockField({
      securityGroupIds: setField(stringItem, { required: true }),
      subnets: setField(stringItem, { required: true }),
    }),
  } satisfies FieldsOf<sagemaker.ModelArgs>,
  outputs: { arn: stringField({ member: "ModelArn" }) },
  check: checkName,
  // SageMaker refuses a role that cannot be assumed yet like any other wrong value.
  create: { operation: "CreateModel", retryCodes: ["ValidationException"] },
  read: [{ operation: "DescribeModel" }],
  delete: { operation: "DeleteModel" },
  notFoundCodes: notFound("model"),
});

let counter = 0;

/** Generates a name as the Terraform provider does: the time to a tenth of a millisecond and a counter. */
function uniqueName(): string {
  const time = new Date().toISOString().replaceAll(/\D/g, "");
  counter = (counter + 1) % 0x1_0000_0000;
  return `terraform-${time.padEnd(18, "0")}${counter.toString(16).padStart(8, "0")}`;
}

function checkCounts({ productionVariants: variants }: Properties): Failure[] {
  if (!Array.isArray(variants)) return [];
  return variants.flatMap((variant: unknown, index) => {
    const count = isRecord(variant) ? variant["initialInstanceCount"] : undefined;
    if (typeof count !== "number" || count >= 1) return [];
    const property = `productionVariants[${index}].initialInstanceCount`;
    const reason = `"${property}" must be at least 1, got ${count}: an endpoint starts with one instance and is then scaled to zero`;
    return [{ property, reason }];
  });
}

export const endpointConfiguration = crud({
  ...common,
  token: "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
  fields: {
    name: stringField({ autoName: { max: 255 }, member: "EndpointConfigName" }),
    kmsKeyArn: stringField({ member: "KmsKeyId" }),
    productionVariants: listField(
      blockField({
        variantName: stringField({ computed: true, whenUnset: uniqueName }),
        modelName: stringField(),
        instanceType: stringField(),
        initialInstanceCount: numberField(),
        initialVariantWeight: numberField({ default: 1 }),
        containerStartupHealthCheckTimeoutInSeconds: numberField({ omitZero: true }),
        enableSsmAccess: booleanField({ whenUnset: false }),
        inferenceAmiVersion: stringField({ computed: true }),
      }),
      { required: true },
    ),
    asyncInferenceConfig: blockField({
      clientConfig: blockField({ maxConcurrentInvocationsPerInstance: numberField({ omitZero: true }) }),
      outputConfig: blockField(
        {
          s3OutputPath: stringField({ required: true }),
          s3FailurePath: stringField(),
          kmsKeyId: stringField(),
          notificationConfig: blockField({
            successTopic: stringField(),
            errorTopic: stringField(),
            includeInferenceResponseIns: setField(stringItem),
          }),
        },
        { required: true },
      ),
    }),
  } satisfies FieldsOf<sagemaker.EndpointConfigurationArgs>,
  outputs: { arn: stringField({ member: "EndpointConfigArn" }) },
  check: (inputs) => [...checkName(inputs), ...checkCounts(inputs)],
  create: { operation: "CreateEndpointConfig" },
  read: [{ operation: "DescribeEndpointConfig" }],
  delete: { operation: "DeleteEndpointConfig" },
  notFoundCodes: notFound("endpoint configuration"),
});

const deploymentConfig = blockField(
  {
    autoRollbackConfiguration: blockField(
      { alarms: setField(blockField({ alarmName: stringField({ required: true }) })) },
      // From the official provider's trace: a change of it replaces the endpoint.
      { forceNew: true },
    ),
    blueGreenUpdatePolicy: blockField({
      maximumExecutionTimeoutInSeconds: numberField(),
      terminationWaitInSeconds: numberField({ default: 0 }),
      trafficRoutingConfiguration: blockField(
        {
          type: stringField({ required: true }),
          waitIntervalInSeconds: numberField({ required: true }),
          canarySize: blockField({ type: stringField({ required: true }), value: numberField({ required: true }) }),
        },
        { required: true },
      ),
    }),
  },
  { member: ["DeploymentConfig", "LastDeploymentConfig"] },
);

const maxWaitMilliseconds = 60 * 60_000;
const pending: readonly unknown[] = ["Creating", "Updating", "SystemUpdating"];

/** Waits until the endpoint is in service. Throws ProviderError with AWS's reason if it ends in any other state. */
async function inService(EndpointName: string, scope: Scope): Promise<void> {
  const start = performance.now();
  for (;;) {
    const found = await scope.aws.call("sagemaker", "DescribeEndpoint", { EndpointName });
    const status = typeof found["EndpointStatus"] === "string" ? found["EndpointStatus"] : "?";
    if (status === "InService") return;
    if (!pending.includes(status)) throw new ProviderError(endState(EndpointName, status, found));
    const waited = performance.now() - start;
    if (waited > maxWaitMilliseconds) {
      throw new ProviderError(`Endpoint ${EndpointName} is still ${status} after 60 min`);
    }
    scope.progress(`${status} for ${Math.round(waited / 1_000)} s`);
    await scope.pause();
  }
}

function endState(name: string, status: string, { FailureReason: reason }: Members): string {
  const why = typeof reason === "string" ? reason : "SageMaker gives no reason";
  return `Endpoint ${name} is ${status} instead of InService: ${why}`;
}

export const endpoint = crud({
  ...common,
  token: "aws:sagemaker/endpoint:Endpoint",
  fields: {
    name: stringField({ autoName: { max: 255 }, forceNew: true, member: "EndpointName" }),
    endpointConfigName: stringField({ required: true }),
    deploymentConfig,
  } satisfies FieldsOf<sagemaker.EndpointArgs>,
  outputs: { arn: stringField({ member: "EndpointArn" }) },
  check: checkName,
  create: { operation: "CreateEndpoint" },
  settled: inService,
  read: [{ operation: "DescribeEndpoint" }],
  isMissing: ({ EndpointStatus: status }) => status === "Deleting",
  // Never RetainAllVariantProperties: the configuration's instance count applies again, as with the official provider.
  update: [{ put: "UpdateEndpoint" }],
  delete: { operation: "DeleteEndpoint", awaited: true },
  notFoundCodes: notFound("endpoint"),
});
