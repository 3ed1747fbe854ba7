/**
 * Application Auto Scaling for the gateway: scalable targets, policies, activities and scheduled actions, on top of the state machine's
 * autoscaler.
 */

import type {
  ApplicationAutoScaling,
  NotScaledReason as WireReason,
  ScalingPolicy as WirePolicy,
} from "@aws-sdk/client-application-auto-scaling";
import type { Autoscaler } from "../../core/autoscaler.ts";
import type { Roles } from "../../aws-ports.ts";
import type { CapacityPort, NotScaledReason, ScalingPolicy } from "../../core/scaling-types.ts";
import { validationException } from "../../wire/service.ts";
import type { Handlers } from "../../wire/service.ts";
import type { GuardedService, Permission } from "../../iam/permission.ts";
import { notFound, paged } from "./answers.ts";
import { linkedRole } from "./linked-role.ts";
import { scalingServicePermissions } from "./permissions.ts";
import { ruleOf, wireRule } from "./policy-input.ts";
import { checkKind, scalableDimension, serviceNamespace } from "./resource.ts";
import { scheduledActionHandlers } from "./scheduled-actions.ts";
import { tracksTheSame } from "./tracked-metric.ts";
import { tagHandlers, tagsOf, targetTags } from "./tags.ts";

/** Dependencies of the service. */
export interface ApplicationAutoScalingDependencies {
  readonly region: string;
  readonly accountId: string;
  readonly autoscaler: Autoscaler;
  /** The capacity that the autoscaler changes, too. */
  readonly capacity: Pick<CapacityPort, "current">;
  /** IAM, for the service-linked role. */
  readonly roles: Pick<Roles, "exists" | "createServiceLinked">;
  /** Permissions that a caller must have to scale a resource, given its id. */
  readonly scalingPermissions: (resourceId: string) => readonly Permission[];
}

/** Formats a reason with the only capacity that the user guide's example shows for its code. */
function wireReason({ code, capacity }: NotScaledReason): WireReason {
  const members = {
    AlreadyAtMaxCapacity: "MaxCapacity",
    AlreadyAtMinCapacity: "MinCapacity",
    AlreadyAtDesiredCapacity: "CurrentCapacity",
  } as const;
  return { Code: code, [members[code]]: capacity };
}

/** Creates the service `application-autoscaling`. */
export function applicationAutoScaling(dependencies: ApplicationAutoScalingDependencies): GuardedService {
  const { region, accountId, autoscaler, capacity, roles } = dependencies;
  // AWS always uses this service-linked role, regardless of RoleARN (API reference, RegisterScalableTarget).
  const role = linkedRole(accountId);
  const tags = targetTags(autoscaler);

  const alarmsOf = ({ alarms }: ScalingPolicy): { AlarmName: string; AlarmARN: string }[] =>
    alarms.map((name) => ({ AlarmName: name, AlarmARN: `arn:aws:cloudwatch:${region}:${accountId}:alarm:${name}` }));

  const wirePolicy = (policy: ScalingPolicy): WirePolicy => ({
    PolicyARN: policy.arn,
    PolicyName: policy.name,
    ServiceNamespace: serviceNamespace,
    ResourceId: policy.resourceId,
    ScalableDimension: scalableDimension,
    ...wireRule(policy.rule),
    Alarms: alarmsOf(policy),
    CreationTime: new Date(policy.createdAt),
  });

  const handlers = {
    async RegisterScalableTarget(input) {
      checkKind(input);
      const { ResourceId = "", MinCapacity, MaxCapacity, SuspendedState, Tags } = input;
      const existing = autoscaler.target(ResourceId);
      const [min, max] = [MinCapacity ?? existing?.min, MaxCapacity ?? existing?.max];
      if (min === undefined || max === undefined) {
        throw validationException("MinCapacity and MaxCapacity are required when registering a new scalable target");
      }
      if (min < 0) throw validationException("Minimum capacity must be greater than or equal to 0");
      if (max < min) {
        throw validationException("Maximum capacity cannot be less than minimum capacity");
      }
      if (capacity.current(ResourceId) === undefined) {
        throw validationException(`SageMaker endpoint variant doesn't exist: ${ResourceId}`);
      }
      if (existing !== undefined && Tags !== undefined) {
        // AWS's words: hashicorp/terraform-provider-aws, issue 31839.
        throw validationException(
          "The scalable target that you tried to tag already exists. To update tags on an existing scalable target, use the TagResource API.",
        );
      }
      tags.check(tagsOf(Tags));
      const before = existing?.suspension;
      const suspension = {
        scaleIn: SuspendedState?.DynamicScalingInSuspended ?? before?.scaleIn ?? false,
        scaleOut: SuspendedState?.DynamicScalingOutSuspended ?? before?.scaleOut ?? false,
        scheduled: SuspendedState?.ScheduledScalingSuspended ?? before?.scheduled ?? false,
      };
      if (!(await roles.exists(role.arn))) await roles.createServiceLinked(role);
      const { arn } = autoscaler.register(ResourceId, { min, max, suspension });
      if (existing === undefined) tags.create(arn, tagsOf(Tags));
      return { ScalableTargetARN: arn };
    },

    DescribeScalableTargets(input) {
      checkKind(input);
      const { ResourceIds = [], MaxResults, NextToken } = input;
      const found = autoscaler
        .targets()
        .filter(({ resourceId }) => ResourceIds.length === 0 || ResourceIds.includes(resourceId));
      const { items, nextToken } = paged(found, MaxResults, NextToken);
      return {
        ScalableTargets: items.map(({ resourceId, arn, min, max, suspension, createdAt }) => ({
          ServiceNamespace: serviceNamespace,
          ResourceId: resourceId,
          ScalableDimension: scalableDimension,
          MinCapacity: min,
          MaxCapacity: max,
          RoleARN: role.arn,
          CreationTime: new Date(createdAt),
          SuspendedState: {
            DynamicScalingInSuspended: suspension.scaleIn,
            DynamicScalingOutSuspended: suspension.scaleOut,
            ScheduledScalingSuspended: suspension.scheduled,
          },
          ScalableTargetARN: arn,
        })),
        NextToken: nextToken,
      };
    },

    DeregisterScalableTarget(input) {
      checkKind(input);
      const { ResourceId = "" } = input;
      if (autoscaler.target(ResourceId) === undefined) {
        throw notFound("No scalable target found", input);
      }
      autoscaler.deregister(ResourceId);
      return {};
    },

    PutScalingPolicy(input) {
      checkKind(input);
      const { ResourceId = "", PolicyName = "" } = input;
      if (autoscaler.target(ResourceId) === undefined) {
        throw notFound("No scalable target registered", input);
      }
      const rule = ruleOf(input);
      const isTaken = autoscaler.policies().some((other) => {
        if (other.resourceId !== ResourceId || other.name === PolicyName) return false;
        if (rule.type !== "TargetTrackingScaling" || other.rule.type !== rule.type) return false;
        return tracksTheSame(rule.watched, other.rule.watched);
      });
      if (isTaken) {
        throw validationException("Only one TargetTrackingScaling policy for a given metric specification is allowed.");
      }
      const policy = autoscaler.putPolicy(ResourceId, PolicyName, rule);
      return { PolicyARN: policy.arn, Alarms: alarmsOf(policy) };
    },

    DescribeScalingPolicies(input) {
      checkKind(input);
      const { PolicyNames = [], ResourceId, MaxResults, NextToken } = input;
      const found = autoscaler
        .policies()
        .filter(({ name }) => PolicyNames.length === 0 || PolicyNames.includes(name))
        .filter(({ resourceId }) => ResourceId === undefined || ResourceId === resourceId);
      const { items, nextToken } = paged(found, MaxResults, NextToken);
      return { ScalingPolicies: items.map(wirePolicy), NextToken: nextToken };
    },

    DeleteScalingPolicy(input) {
      checkKind(input);
      const { ResourceId = "", PolicyName = "" } = input;
      const exists = autoscaler
        .policies()
        .some(({ resourceId, name }) => resourceId === ResourceId && name === PolicyName);
      if (!exists) throw notFound("No scaling policy found", input, `, policy name: ${PolicyName}`);
      autoscaler.deletePolicy(ResourceId, PolicyName);
      return {};
    },

    DescribeScalingActivities(input) {
      checkKind(input);
      const { ResourceId, MaxResults, NextToken, IncludeNotScaledActivities = false } = input;
      const found = autoscaler
        .activities({ includeNotScaled: IncludeNotScaledActivities })
        .filter(({ resourceId }) => ResourceId === undefined || ResourceId === resourceId);
      const { items, nextToken } = paged(found, MaxResults, NextToken);
      return {
        ScalingActivities: items.map((activity) => ({
          ActivityId: activity.id,
          ServiceNamespace: serviceNamespace,
          ResourceId: activity.resourceId,
          ScalableDimension: scalableDimension,
          Description: activity.description,
          Cause: activity.cause,
          StartTime: new Date(activity.startedAt),
          EndTime: activity.endedAt === undefined ? undefined : new Date(activity.endedAt),
          StatusCode: activity.status,
          StatusMessage: activity.statusMessage,
          ...(activity.notScaled === undefined ? {} : { NotScaledReasons: [wireReason(activity.notScaled)] }),
        })),
        NextToken: nextToken,
      };
    },

    ...scheduledActionHandlers(autoscaler),
    ...tagHandlers(tags),
  } satisfies Handlers<ApplicationAutoScaling>;
  const permissions = scalingServicePermissions(dependencies, tags, role);
  return { model: "application-autoscaling", handlers, permissions };
}
