/** For tests: Application Auto Scaling as answers of a fake AWS. */
import { FakeAwsError } from "./fake-aws.ts";
import type { Answers } from "./fake-aws.ts";

type Input = Readonly<Record<string, unknown>>;

/** The ARN of all targets. */
export const targetArn = "arn:aws:application-autoscaling:us-east-1:000000000000:scalable-target/1";

/** Scalable targets by resource, the tags of all, and policies and scheduled actions by name. */
export function fakeScaling(): Answers {
  const targets = new Map<unknown, Input>();
  let tags: Record<string, string> = {};
  const policies = new Map<string, Input>();
  const actions = new Map<string, Input>();
  return {
    RegisterScalableTarget: (input) => {
      const { Tags, ...rest } = input;
      targets.set(rest["ResourceId"], {
        ...targets.get(rest["ResourceId"]),
        ...rest,
        RoleARN: "arn:aws:iam::000000000000:role/made",
        ScalableTargetARN: targetArn,
      });
      tags = { ...tags, ...(Tags as object) };
      return { ScalableTargetARN: targetArn };
    },
    DescribeScalableTargets: ({ ResourceIds }) => ({
      ScalableTargets: (ResourceIds as string[]).flatMap((id) => targets.get(id) ?? []),
    }),
    DeregisterScalableTarget: ({ ResourceId }) => {
      if (!targets.delete(ResourceId)) throw new FakeAwsError("ObjectNotFoundException", "No scalable target found");
      return {};
    },
    ListTagsForResource: () => ({ Tags: tags }),
    TagResource: ({ Tags }) => {
      Object.assign(tags, Tags);
      return {};
    },
    UntagResource: ({ TagKeys }) => {
      const keys = TagKeys as string[];
      tags = Object.fromEntries(Object.entries(tags).filter(([key]) => !keys.includes(key)));
      return {};
    },
    PutScalingPolicy: (input) => {
      const name = String(input["PolicyName"]);
      const made = {
        PolicyARN: `arn:aws:autoscaling:us-east-1:000000000000:scalingPolicy:1:policyName/${name}`,
        Alarms: [{ AlarmName: "a", AlarmARN: "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a" }],
      };
      policies.set(name, { ...input, ...made });
      return made;
    },
    DescribeScalingPolicies: ({ PolicyNames }) => ({
      ScalingPolicies: (PolicyNames as string[]).flatMap((name) => policies.get(name) ?? []),
    }),
    DeleteScalingPolicy: ({ PolicyName }) => {
      if (!policies.delete(String(PolicyName))) throw new FakeAwsError("ObjectNotFoundException", "No policy found");
      return {};
    },
    PutScheduledAction: (input) => {
      const name = String(input["ScheduledActionName"]);
      const arn = `arn:aws:autoscaling:us-east-1:000000000000:scheduledAction:1:scheduledActionName/${name}`;
      actions.set(name, { ...actions.get(name), ...input, ScheduledActionARN: arn });
      return {};
    },
    DescribeScheduledActions: ({ ScheduledActionNames }) => ({
      ScheduledActions: (ScheduledActionNames as string[]).flatMap((name) => actions.get(name) ?? []),
    }),
    DeleteScheduledAction: ({ ScheduledActionName }) => {
      if (actions.delete(String(ScheduledActionName))) return {};
      throw new FakeAwsError("ObjectNotFoundException", "No scheduled action found");
    },
  };
}
