/** The policy on the attached policies of roles, users and groups. */
import type { PolicyArgs } from "@pulumi/aws/iam/policy.js";
import { parseArn } from "./arns.ts";
import { stackPolicy, stringList } from "./policy.ts";
import { ofType } from "./resources.ts";
import { ifKnown, evaluateEach } from "./unknown.ts";

/** Types that attach policies to a role, a user or a group, and the property that names one policy or a list. */
const attaching: ReadonlyMap<string, string> = new Map([
  ["aws:iam/groupPolicyAttachment:GroupPolicyAttachment", "policyArn"],
  ["aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive", "policyArns"],
  ["aws:iam/policyAttachment:PolicyAttachment", "policyArn"],
  ["aws:iam/role:Role", "managedPolicyArns"],
  ["aws:iam/rolePolicyAttachment:RolePolicyAttachment", "policyArn"],
  ["aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive", "policyArns"],
  ["aws:iam/userPolicyAttachment:UserPolicyAttachment", "policyArn"],
  ["aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive", "policyArns"],
]);

/** The pack evaluates only the stack's policies; it cannot read any other. */
export const ownPoliciesOnly = stackPolicy({
  name: "own-policies-only",
  description:
    "A role may have only policies of its stack and those in the config. Other policies, such as AdministratorAccess, are defined elsewhere and can change.",
  config: {
    policies: stringList("ARNs of policies that may be attached in addition to the stack's."),
  },
  validate: (args, reportViolation) => {
    const { resources } = args;
    const { policies: named } = args.getConfig<{ policies: string[] }>();
    const policies = ofType<PolicyArgs>(resources, "aws:iam/policy:Policy");
    const urns = new Set(policies.map(({ urn }) => urn));
    const arns = policies.map(({ props }) => ifKnown(() => props.arn)?.value);
    // A program can read a policy that AWS manages into the stack; the stack does not define it.
    const own = new Set(arns.filter((arn) => arn !== undefined && parseArn(arn)?.account !== "aws"));
    evaluateEach(ofType(resources, ...attaching.keys()), reportViolation, (resource) => {
      const property = attaching.get(resource.type) ?? "";
      const madeOfOwn = (resource.propertyDependencies[property] ?? []).some(({ urn }) => urns.has(urn));
      for (const read of readersOf(resource.props, property)) {
        // The end of the update evaluates the value itself.
        if (ifKnown(read) === undefined && madeOfOwn) continue;
        const arn = read();
        if (arn === undefined || own.has(arn) || named.includes(arn)) continue;
        reportViolation(
          `'${resource.name}' attaches ${arn}, which is not a policy of this stack. ` +
            `Set ${property} to the ARN of a policy that the stack creates, or add it to policies in the policy's config.`,
          resource.urn,
        );
      }
    });
  },
});

/** Reads the ARNs one by one, the known ones first, so that an unknown one does not hide the others. */
function readersOf(props: object, property: string): (() => string | undefined)[] {
  const value = ifKnown(() => Reflect.get(props, property) as unknown)?.value;
  if (!Array.isArray(value)) return [() => Reflect.get(props, property) as string | undefined];
  const readers = Array.from({ length: value.length }, (_, index) => () => value[index] as string | undefined);
  return [
    ...readers.filter((read) => ifKnown(read) !== undefined),
    ...readers.filter((read) => ifKnown(read) === undefined),
  ];
}
