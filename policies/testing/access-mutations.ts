/** Mutations of permissions and of the types of resources. */
import fc from "fast-check";
import { setting, stating } from "./breaking.ts";
import type { Mutation } from "./breaking.ts";
import { set } from "./broken-stack.ts";
import { stranger as strangerAccount } from "./documents.ts";

const role = "aws:iam/role:Role";
const key = "aws:kms/key:Key";
const subscription = "aws:sns/topicSubscription:TopicSubscription";
const administrator = "arn:aws:iam::aws:policy/AdministratorAccess";

const wildcard = fc.oneof(
  fc.record({
    Effect: fc.constant("Allow"),
    Action: fc.constantFrom("*", "s3:*", "sagemaker:Invoke*", "kms:?"),
    Resource: fc.constant("arn:aws:s3:::a/b"),
  }),
  fc.record({
    Effect: fc.constant("Allow"),
    Action: fc.constantFrom("s3:GetObject", "kms:Decrypt"),
    Resource: fc.constantFrom("*", "arn:aws:s3:::*", "arn:aws:sqs:us-east-1:1:*"),
  }),
  fc.record({
    Effect: fc.constant("Allow"),
    NotAction: fc.constant("iam:*"),
    Resource: fc.constant("arn:aws:s3:::a/b"),
  }),
);
const stranger = fc
  .constantFrom<object[]>(
    { Principal: "*" },
    { Principal: { AWS: "arn:aws:iam::999999999999:root" } },
    { Principal: { Federated: "cognito-identity.amazonaws.com" } },
    { Principal: { Service: "lambda.amazonaws.com" } },
  )
  .map((who) => ({ Effect: "Allow", Action: "sts:AssumeRole", ...who }));
const everyone = fc.record({
  Effect: fc.constant("Allow"),
  Principal: fc.constantFrom("*", { AWS: "*" }),
  Action: fc.constantFrom("sns:Publish", "s3:GetObject", "kms:Decrypt"),
  Resource: fc.constant("*"),
});

const foreign = fc.record({
  Effect: fc.constant("Allow"),
  Principal: fc.constantFrom(
    { AWS: `arn:aws:iam::${strangerAccount}:root` },
    { AWS: strangerAccount },
    { Federated: "cognito-identity.amazonaws.com" },
  ),
  Action: fc.constantFrom("sns:Publish", "s3:GetObject", "kms:Decrypt"),
  Resource: fc.constant("*"),
});

/** All mutations for the policies on access. */
export const accessMutations: readonly Mutation[] = [
  {
    policy: "known-types-only",
    what: "a resource of a type that the pack does not know",
    by: fc
      .constantFrom(
        "aws:iam/user:User",
        "aws:iam/accessKey:AccessKey",
        "aws:cloudformation/stack:Stack",
        "aws:ec2/instance:Instance",
        "aws-native:iam:Role",
        "pulumi-nodejs:dynamic:Resource",
      )
      .map((type) => (stack) => stack.add({ type, name: "more", props: {} })),
  },
  stating("no-wildcards", "aws:iam/policy:Policy", "policy", wildcard),
  stating("no-wildcards", "aws:iam/rolePolicy:RolePolicy", "policy", wildcard),
  stating("trusted-principals", role, "assumeRolePolicy", stranger),
  ...[
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:sqs/queuePolicy:QueuePolicy",
    "aws:kms/key:Key",
  ].map((type) => stating("no-public-access", type, "policy", everyone)),
  setting("own-policies-only", role, "managedPolicyArns", fc.constantFrom([administrator], [administrator, ""])),
  {
    policy: "own-policies-only",
    what: "an attachment of a policy outside the stack",
    by: fc.constantFrom(administrator, `arn:aws:iam::${strangerAccount}:policy/theirs`).map(
      (policyArn) => (stack) =>
        stack.add({
          type: "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
          name: "more",
          props: { policyArn },
        }),
    ),
  },
  ...[
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:sqs/queuePolicy:QueuePolicy",
    key,
  ].map((type) => stating("no-foreign-access", type, "policy", foreign)),
  {
    policy: "no-foreign-access",
    what: "a subscription of an address, or of another account's queue",
    by: fc
      .constantFrom(
        { protocol: "https", endpoint: "https://collector.example" },
        { protocol: "sqs", endpoint: `arn:aws:sqs:us-east-1:${strangerAccount}:q` },
      )
      .map(({ protocol, endpoint }) => (stack) => {
        const one = stack.one(subscription, 0);
        set(one, "protocol", protocol);
        return set(one, "endpoint", endpoint);
      }),
  },
];
