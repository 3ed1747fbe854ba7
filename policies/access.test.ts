/** Tests the policy on IAM policies. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { noWildcards } from "./access.ts";
import { document } from "./testing/documents.ts";
import { policyTests } from "./testing/policy-tests.ts";
import { unknownString, violations } from "./testing/evaluate.ts";
import type { TestResource } from "./testing/evaluate.ts";

const statement = {
  Sid: "Read",
  Effect: "Allow",
  Action: "s3:GetObject",
  Resource: "arn:aws:s3:::videos-0a1b2c3/input/*",
};

function policy(change: object, type = "aws:iam/policy:Policy"): TestResource {
  return { type, name: "caller", props: { policy: document({ ...statement, ...change }) } };
}

const actions = /In policy of 'caller', statement Read allows .*Set Action to the required actions/;
const unreadable = /no readable policy document in policy\. .*in IAM's case/;
const resources = /In policy of 'caller', statement Read allows s3:GetObject on .*Set Resource to the intended ARNs/;

policyTests(noWildcards, {
  good: policy({}),
  passes: {
    "an action that supports no resource": policy({ Action: ["ecr:GetAuthorizationToken"], Resource: "*" }),
    "a denial of everything": policy({ Effect: "Deny", Action: "*", Resource: "*" }),
    "all objects of one bucket": policy({ Resource: "arn:aws:s3:::videos-0a1b2c3/*" }),
    "a prefix of queues": policy({ Resource: "arn:aws:sqs:us-east-1:123456789012:smoke-*" }),
    "a bucket whose name is letters": policy({ Resource: "arn:aws:s3:::videos/*" }),
    "the subscriptions of one topic": policy({ Resource: "arn:aws:sns:us-east-1:123456789012:done:*" }),
    "a prefix of roles": policy({ Resource: "arn:aws:iam::123456789012:role/video-*" }),
    "a resource in every region": policy({ Resource: "arn:aws:sagemaker:*:123456789012:endpoint/videos" }),
    "log groups whose names start with a path": policy({
      Resource: "arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/Endpoints/video-*",
    }),
    "a folder for each user in one bucket": policy({ Resource: "arn:aws:s3:::videos/${aws:username}/*" }),
    "network interfaces that SageMaker creates": policy({
      Action: "ec2:CreateNetworkInterface",
      Resource: "arn:aws:ec2:us-east-1:123456789012:network-interface/*",
    }),
    "a number in a condition": policy({ Condition: { NumericLessThan: { "s3:max-keys": 10 } } }),
    "a role without inline policies": { type: "aws:iam/role:Role", name: "caller", props: {} },
  },
  refuses: {
    "every action of a service": [policy({ Action: "s3:*" }), actions],
    "some actions of a service": [policy({ Action: ["s3:Get*"] }), actions],
    "all actions except some": [
      policy({ Action: undefined, NotAction: "iam:*" }),
      /Set Action and Resource instead of NotAction/,
    ],
    "all resources except some": [
      policy({ Resource: undefined, NotResource: "arn:aws:s3:::x" }),
      /instead of NotAction and NotResource/,
    ],
    "every resource": [policy({ Resource: "*" }), resources],
    "every bucket": [policy({ Resource: ["arn:aws:s3:::*"] }), resources],
    "every function": [policy({ Resource: "arn:aws:lambda:us-east-1:1:function:*" }), resources],
    "one action with a reason, and one without": [
      policy({ Action: ["ecr:GetAuthorizationToken", "s3:GetObject"], Resource: "*" }),
      resources,
    ],
    ...Object.fromEntries(
      [
        "arn:aws:s3:::*/*",
        "arn:aws:s3:::?*",
        "arn:aws:s3:::*/models/*",
        "arn:aws:s3:::${aws:username}/*",
        "arn:aws:iam::*:role/?*",
        "arn:aws:iam::123456789012:role/?*",
        "arn:aws:iam::123456789012:role*",
        "arn:aws:iam::?????????012:role/videos",
        "arn:aws:iam::${aws:PrincipalAccount}:role/videos",
        "arn:aws:iam::*:role/videos",
        "arn:*:iam::123456789012:role/videos",
        "arn:aws:s?:::videos",
        "arn:aws:sagemaker:*:*:*/*",
        "arn:aws:logs:us-east-1:123456789012:log-group:*:log-stream:x",
        "arn:aws:s3",
        "*:videos",
      ].map((pattern) => [pattern, [policy({ Resource: pattern }), resources] as const]),
    ),
    "interfaces of every account": [
      policy({ Action: "ec2:CreateNetworkInterface", Resource: "arn:aws:ec2:us-east-1:*:network-interface/*" }),
      /allows ec2:CreateNetworkInterface on arn:aws:ec2:us-east-1:\*/,
    ],
    "every subnet, by an action with a reason for interfaces": [
      policy({ Action: "ec2:CreateNetworkInterface", Resource: "*" }),
      /allows ec2:CreateNetworkInterface on \*/,
    ],
    "an action that is a name of every object's": [
      policy({ Action: "constructor", Resource: "*" }),
      /constructor on \*/,
    ],
    "an element in lower case": [policy({ Action: undefined, action: "*" }), unreadable],
    "an effect in lower case": [policy({ Effect: undefined, effect: "Allow" }), unreadable],
    "an unknown element of the document": [
      { ...policy({}), props: { policy: JSON.stringify({ Statement: [], statement: [] }) } },
      unreadable,
    ],
    "one element twice": [
      {
        ...policy({}),
        props: { policy: '{"Statement":{"Effect":"Allow","Action":"*","Action" : "s3:GetObject","Resource":"*"}}' },
      },
      unreadable,
    ],
    "a user's policy": [policy({ Resource: "*" }, "aws:iam/userPolicy:UserPolicy"), resources],
    "a group's policy": [policy({ Resource: "*" }, "aws:iam/groupPolicy:GroupPolicy"), resources],
    "a role's policy": [policy({ Resource: "*" }, "aws:iam/rolePolicy:RolePolicy"), resources],
    "an inline policy": [
      {
        type: "aws:iam/role:Role",
        name: "caller",
        props: { inlinePolicies: [{ policy: document({ ...statement, Resource: "*" }) }] },
      },
      /In inlinePolicies\[0\]\.policy of 'caller'/,
    ],
    "a statement without a Sid": [policy({ Sid: undefined, Action: "s3:*" }), /statement 1 allows/],
    "invalid JSON": [{ ...policy({}), props: { policy: "{" } }, /no readable policy document in policy/],
  },
  unknown: { ...policy({}), props: { policy: unknownString } },
});

describe("no-wildcards", () => {
  it("reads actions and their reasons from the config", async () => {
    const resource = policy({ Action: "ec2:DescribeRegions", Resource: "*" });
    assert.equal((await violations(noWildcards, resource)).length, 1);
    assert.deepEqual(
      await violations(noWildcards, resource, { onEveryResource: { "ec2:DescribeRegions": "Takes no resource." } }),
      [],
    );
  });

  it("reads an action on every resource of a kind from the config", async () => {
    const onKind = { onEveryResource: { "kms:Decrypt on key/*": "AWS generates the IDs of keys." } };
    const key = (account: string) =>
      policy({ Action: "kms:Decrypt", Resource: `arn:aws:kms:us-east-1:${account}:key/*` });
    assert.deepEqual(await violations(noWildcards, key("123456789012"), onKind), []);
    assert.equal((await violations(noWildcards, key("*"), onKind)).length, 1);
  });

  it("passes an ARN that ends before the name: it matches no resource", async () => {
    const nameless = policy({
      Action: "cloudwatch:PutMetricAlarm",
      Resource: "arn:aws:cloudwatch:us-east-1:123456789012:alarm:",
    });
    assert.deepEqual(await violations(noWildcards, nameless), []);
  });
});
