/** SageMaker: models, endpoint configurations and endpoints. */
import type * as sagemaker from "@pulumi/aws/sagemaker/index.js";
import { crud } from "./crud.ts";
import { ProviderError } from "./errors.ts";
import type { ErrorCode } from "./errors.ts";
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
import type { Scope } from "./resource.ts";
import { byProperties } from "./row.ts";

/** SageMaker reports a missing resource with a ValidationException and this message. */
const notFound = (what: string): ErrorCode[] => [
  { code: "ValidationException", says: `Could not find ${what}` },
  "ResourceNotFound",
];

/** Makes the name of a model, a configuration or an endpoint. */
const nameField = (member: string) =>
  stringField({
    autoName: { max: 255 },
    matches: [
      /^(?=.{1,63}$)[0-9A-Za-z](-*[0-9A-Za-z])*$/,
      '1 to 63 letters, digits and inner hyphens: give the resource a shorter name, or set "name"',
    ],
    forceNew: true,
    member,
  });

const common = {
  service: "sagemaker",
  identity: byProperties(["name"]),
  tags: { set: "AddTags", remove: "DeleteTags", list: "ListTags" },
} as const;

/** A model: its container, its artifact and its role. */
export const model = crud({
  ...common,
  token: "aws:sagemaker/model:Model",
  fields: {
    name: nameField("ModelName"),
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

/** The configuration of an endpoint: its variants and its asynchronous invocations. */
export const endpointConfiguration = crud({
  ...common,
  token: "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
  fields: {
    name: nameField("EndpointConfigName"),
    productionVariants: listField(
      blockField({
        variantName: stringField({ computed: true, whenUnset: uniqueName }),
        modelName: stringField(),
        instanceType: stringField(),
        // An endpoint starts with one instance and is then scaled to zero.
        initialInstanceCount: numberField({ min: 1 }),
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
          notificationConfig: blockField({ successTopic: stringField(), errorTopic: stringField() }),
        },
        { required: true },
      ),
    }),
  } satisfies FieldsOf<sagemaker.EndpointConfigurationArgs>,
  outputs: { arn: stringField({ member: "EndpointConfigArn" }) },
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
      terminationWaitInSeconds: numberField({ default: 0 }),
      trafficRoutingConfiguration: blockField(
        { type: stringField({ required: true }), waitIntervalInSeconds: numberField({ required: true }) },
        { required: true },
      ),
    }),
  },
  { member: ["DeploymentConfig", "LastDeploymentConfig"] },
);

const pending: readonly unknown[] = ["Creating", "Updating", "SystemUpdating"];

/**
 * Waits until the endpoint is in service.
 * @throws {ProviderError} with AWS's reason if it ends in any other state
 */
async function inService(EndpointName: string, scope: Scope): Promise<void> {
  const start = performance.now();
  for (;;) {
    const { EndpointStatus, FailureReason } = await scope.aws.call("sagemaker", "DescribeEndpoint", { EndpointName });
    const status = String(EndpointStatus);
    if (status === "InService") return;
    if (!pending.includes(status)) {
      const reason = typeof FailureReason === "string" ? FailureReason : "SageMaker gives no reason";
      throw new ProviderError(`Endpoint ${EndpointName} is ${status} instead of InService: ${reason}`);
    }
    scope.progress(`${status} for ${Math.round((performance.now() - start) / 1_000)} s`);
    await scope.pause();
  }
}

/** An endpoint; an update waits until it serves the new configuration. */
export const endpoint = crud({
  ...common,
  token: "aws:sagemaker/endpoint:Endpoint",
  fields: {
    name: nameField("EndpointName"),
    endpointConfigName: stringField({ required: true }),
    deploymentConfig,
  } satisfies FieldsOf<sagemaker.EndpointArgs>,
  outputs: { arn: stringField({ member: "EndpointArn" }) },
  create: { operation: "CreateEndpoint" },
  settled: inService,
  read: [{ operation: "DescribeEndpoint" }],
  isMissing: ({ EndpointStatus: status }) => status === "Deleting",
  // Never RetainAllVariantProperties: the configuration's instance count applies again, as with the official provider.
  update: [{ put: "UpdateEndpoint" }],
  delete: { operation: "DeleteEndpoint", awaited: true },
  notFoundCodes: notFound("endpoint"),
});
