/** Application Auto Scaling: scalable targets and their policies. */
import {
  DeleteScalingPolicyCommand,
  DeregisterScalableTargetCommand,
  DescribeScalableTargetsCommand,
  DescribeScalingPoliciesCommand,
  ListTagsForResourceCommand,
  PutScalingPolicyCommand,
  RegisterScalableTargetCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-application-auto-scaling";
import type {
  PolicyType,
  ScalableDimension,
  ScalableTarget,
  ServiceNamespace,
} from "@aws-sdk/client-application-auto-scaling";
import type { PolicyArgs, TargetArgs } from "@pulumi/aws/appautoscaling/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { ProviderError, isCode, unlessMissing } from "./errors.ts";
import { block, flag, number, regional, tagged, text } from "./properties.ts";
import type { FieldsOf, Inputs } from "./properties.ts";
import { resource } from "./resource.ts";
import type { Managed, Scope } from "./resource.ts";
import { retry } from "./retry.ts";
import { fromStep, fromTracking, stepScaling, targetTracking, toStep, toTracking } from "./scaling-policies.ts";

type Properties<Args> = FieldsOf<pulumi.Unwrap<Args> & Managed>;

const gone = "ObjectNotFoundException";
const longestWaitMilliseconds = 5 * 60_000;

const targetName = {
  resourceId: text({ required: true, forceNew: true }),
  scalableDimension: text({ required: true, forceNew: true }),
  serviceNamespace: text({ required: true, forceNew: true }),
};

type TargetName = Inputs<typeof targetName>;

function toName({ resourceId, scalableDimension, serviceNamespace }: TargetName) {
  return {
    ResourceId: resourceId,
    ScalableDimension: scalableDimension as ScalableDimension,
    ServiceNamespace: serviceNamespace as ServiceNamespace,
  };
}

/** The target that is meant: of the last state, or, for an import, of `NAMESPACE/RESOURCE/DIMENSION[/POLICY]`. */
function nameOf(id: string, known: Partial<TargetName>): TargetName & { policy: string } {
  const { resourceId, scalableDimension, serviceNamespace } = known;
  if (resourceId !== undefined && scalableDimension !== undefined && serviceNamespace !== undefined) {
    return { resourceId, scalableDimension, serviceNamespace, policy: id };
  }
  const found = /^([^/]+)\/(.+)\/(\w[\w-]*:[\w-]+:\w+)(?:\/(.+))?$/.exec(id);
  if (found === null) {
    throw new ProviderError(
      `${id} names no scalable target: write sagemaker/endpoint/E/variant/V/sagemaker:variant:DesiredInstanceCount (and /POLICY for a policy)`,
    );
  }
  const [, namespace = "", resource = "", dimension = "", policy = ""] = found;
  return { serviceNamespace: namespace, resourceId: resource, scalableDimension: dimension, policy };
}

const targetFields = {
  ...targetName,
  minCapacity: number({ required: true }),
  maxCapacity: number({ required: true }),
  roleArn: text({ computed: true, forceNew: true }),
  suspendedState: block(
    {
      dynamicScalingInSuspended: flag({ default: false }),
      dynamicScalingOutSuspended: flag({ default: false }),
      scheduledScalingSuspended: flag({ default: false }),
    },
    { computed: true },
  ),
  ...tagged,
  ...regional,
} satisfies Properties<TargetArgs>;

async function register(inputs: Inputs<typeof targetFields>, scope: Scope, tags?: Record<string, string>) {
  const state = inputs.suspendedState;
  const command = new RegisterScalableTargetCommand({
    ...toName(inputs),
    MinCapacity: inputs.minCapacity,
    MaxCapacity: inputs.maxCapacity,
    RoleARN: inputs.roleArn,
    SuspendedState: state && {
      DynamicScalingInSuspended: state.dynamicScalingInSuspended,
      DynamicScalingOutSuspended: state.dynamicScalingOutSuspended,
      ScheduledScalingSuspended: state.scheduledScalingSuspended,
    },
    ...(tags === undefined || Object.keys(tags).length === 0 ? {} : { Tags: tags }),
  });
  const passes = (error: unknown): boolean =>
    isCode(error, "ValidationException") && error.reason.includes("Unable to assume IAM role");
  await retry(scope, passes, () => scope.aws.appautoscaling.send(command));
}

async function findTarget(name: TargetName, { aws }: Scope): Promise<ScalableTarget | undefined> {
  const { ResourceId, ScalableDimension, ServiceNamespace } = toName(name);
  const found = await aws.appautoscaling.send(
    new DescribeScalableTargetsCommand({ ServiceNamespace, ScalableDimension, ResourceIds: [ResourceId] }),
  );
  return found.ScalableTargets?.[0];
}

export const target = resource<typeof targetFields>({
  token: "aws:appautoscaling/target:Target",
  fields: targetFields,
  outputs: ["arn"],
  tagging: {
    async tag({ arn }, Tags, { aws }) {
      await aws.appautoscaling.send(new TagResourceCommand({ ResourceARN: arn, Tags }));
    },
    async untag({ arn }, TagKeys, { aws }) {
      await aws.appautoscaling.send(new UntagResourceCommand({ ResourceARN: arn, TagKeys }));
    },
  },
  async create(inputs, scope) {
    await register(inputs, scope, inputs.tagsAll);
    return inputs.resourceId;
  },
  async read(id, scope, known) {
    const name = nameOf(id, known);
    const found = await findTarget(name, scope);
    if (found === undefined) return undefined;
    const arn = found.ScalableTargetARN;
    const { Tags } = await scope.aws.appautoscaling.send(new ListTagsForResourceCommand({ ResourceARN: arn }));
    return {
      id: name.resourceId,
      arn,
      resourceId: found.ResourceId,
      scalableDimension: found.ScalableDimension,
      serviceNamespace: found.ServiceNamespace,
      minCapacity: found.MinCapacity,
      maxCapacity: found.MaxCapacity,
      roleArn: found.RoleARN,
      suspendedState: found.SuspendedState && {
        dynamicScalingInSuspended: found.SuspendedState.DynamicScalingInSuspended ?? false,
        dynamicScalingOutSuspended: found.SuspendedState.DynamicScalingOutSuspended ?? false,
        scheduledScalingSuspended: found.SuspendedState.ScheduledScalingSuspended ?? false,
      },
      tags: Tags ?? {},
    };
  },
  update: ({ inputs }, scope) => register(inputs, scope),
  async delete(id, scope, known) {
    const name = nameOf(id, known);
    const command = new DeregisterScalableTargetCommand(toName(name));
    if ((await unlessMissing(scope.aws.appautoscaling.send(command), gone)) === undefined) return;
    const start = performance.now();
    while ((await findTarget(name, scope)) !== undefined) {
      if (performance.now() - start > longestWaitMilliseconds) {
        throw new ProviderError(`Scalable target ${id} is still there 5 min after it was deregistered`);
      }
      await scope.pause();
    }
  },
});

const policyFields = {
  name: text({ autoName: { max: 255 }, forceNew: true }),
  ...targetName,
  policyType: text({ default: "StepScaling" }),
  stepScalingPolicyConfiguration: stepScaling,
  targetTrackingScalingPolicyConfiguration: targetTracking,
  ...regional,
} satisfies Properties<PolicyArgs>;

async function putPolicy(inputs: Inputs<typeof policyFields>, scope: Scope): Promise<string> {
  const { stepScalingPolicyConfiguration: step, targetTrackingScalingPolicyConfiguration: tracking } = inputs;
  const command = new PutScalingPolicyCommand({
    ...toName(inputs),
    PolicyName: inputs.name,
    PolicyType: inputs.policyType as PolicyType,
    StepScalingPolicyConfiguration: step && toStep(step),
    TargetTrackingScalingPolicyConfiguration: tracking && toTracking(tracking),
  });
  await retry(
    scope,
    (error) => isCode(error, "FailedResourceAccessException"),
    () => scope.aws.appautoscaling.send(command),
  );
  return inputs.name;
}

export const policy = resource<typeof policyFields>({
  token: "aws:appautoscaling/policy:Policy",
  fields: policyFields,
  outputs: ["alarmArns", "arn"],
  create: putPolicy,
  async read(id, { aws }, known) {
    const name = nameOf(id, known);
    const found = await aws.appautoscaling.send(
      new DescribeScalingPoliciesCommand({ ...toName(name), PolicyNames: [name.policy] }),
    );
    const got = found.ScalingPolicies?.[0];
    if (got === undefined) return undefined;
    const { StepScalingPolicyConfiguration: step, TargetTrackingScalingPolicyConfiguration: tracking } = got;
    return {
      id: got.PolicyName,
      name: got.PolicyName,
      resourceId: got.ResourceId,
      scalableDimension: got.ScalableDimension,
      serviceNamespace: got.ServiceNamespace,
      policyType: got.PolicyType,
      stepScalingPolicyConfiguration: step && fromStep(step),
      targetTrackingScalingPolicyConfiguration: tracking && fromTracking(tracking),
      arn: got.PolicyARN,
      alarmArns: (got.Alarms ?? []).map(({ AlarmARN }) => AlarmARN),
    };
  },
  update: ({ inputs }, scope) => putPolicy(inputs, scope),
  async delete(id, { aws }, known) {
    const name = nameOf(id, known);
    const command = new DeleteScalingPolicyCommand({ ...toName(name), PolicyName: name.policy });
    await unlessMissing(aws.appautoscaling.send(command), gone);
  },
});
