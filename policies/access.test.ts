/** What the policies about access refuse and what they let pass. */
import assert from "node:assert/strict";
import { noPublicAccess, noWildcards, trustedPrincipals } from "./access.ts";
import { but, test } from "./testing/cases.ts";
import { type Judged, unknownString, violations } from "./testing/judge.ts";

const account = "123456789012";

function document(...statements: object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

const statement = {
  Sid: "Read",
  Effect: "Allow",
  Action: "s3:GetObject",
  Resource: "arn:aws:s3:::videos-0a1b2c3/input/*",
};

function policy(change: object, type = "aws:iam/policy:Policy"): Judged {
  return { type, name: "caller", props: { policy: document({ ...statement, ...change }) } };
}

const actions = /In policy of 'caller', statement Read allows .*Set Action to the actions that are needed/;
const resources = /In policy of 'caller', statement Read allows s3:GetObject on .*Set Resource to the ARNs/;

test(noWildcards, {
  good: policy({}),
  passes: {
    "an action that takes no resource": policy({ Action: ["ecr:GetAuthorizationToken"], Resource: "*" }),
    "a denial of everything": policy({ Effect: "Deny", Action: "*", Resource: "*" }),
    "all objects of one bucket": policy({ Resource: "arn:aws:s3:::videos-0a1b2c3/*" }),
    "a prefix of queues": policy({ Resource: "arn:aws:sqs:us-east-1:123456789012:smoke-*" }),
    "a role without inline policies": { type: "aws:iam/role:Role", name: "caller", props: {} },
  },
  refuses: {
    "every action of a service": [policy({ Action: "s3:*" }), actions],
    "some actions of a service": [policy({ Action: ["s3:Get*"] }), actions],
    "all but some actions": [
      policy({ Action: undefined, NotAction: "iam:*" }),
      /Set Action and Resource instead of NotAction/,
    ],
    "all but some resources": [
      policy({ Resource: undefined, NotResource: "arn:aws:s3:::x" }),
      /instead of NotAction and NotResource/,
    ],
    "every resource": [policy({ Resource: "*" }), resources],
    "every bucket": [policy({ Resource: ["arn:aws:s3:::*"] }), resources],
    "every function": [policy({ Resource: "arn:aws:lambda:us-east-1:1:function:*" }), resources],
    "one action that is excused, and one that is not": [
      policy({ Action: ["ecr:GetAuthorizationToken", "s3:GetObject"], Resource: "*" }),
      resources,
    ],
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
    "what is no document": [{ ...policy({}), props: { policy: "{" } }, /no policy document in policy/],
  },
  unknown: { ...policy({}), props: { policy: unknownString } },
});

describe("no-wildcards", () => {
  it("takes the excused actions, each with its reason, from the config", async () => {
    const judged = policy({ Action: "ec2:DescribeRegions", Resource: "*" });
    assert.equal((await violations(noWildcards, judged)).length, 1);
    assert.deepEqual(
      await violations(noWildcards, judged, { onEveryResource: { "ec2:DescribeRegions": "Takes no resource." } }),
      [],
    );
  });
});

const trust = {
  Effect: "Allow",
  Principal: { Service: "sagemaker.amazonaws.com" },
  Action: "sts:AssumeRole",
  Condition: { StringEquals: { "aws:SourceAccount": account } },
};

function role(change: object): Judged {
  return {
    type: "aws:iam/role:Role",
    name: "execution",
    props: { assumeRolePolicy: document({ ...trust, ...change }) },
  };
}

const anyAccount = /'execution', statement 1 trusts sagemaker\.amazonaws\.com for whichever.*aws:SourceAccount/;
const root = { AWS: `arn:aws:iam::${account}:root` };

test(trustedPrincipals, {
  good: role({}),
  passes: {
    "a source's ARN": role({ Condition: { ArnLike: { "aws:SourceArn": `arn:aws:sagemaker:us-east-1:${account}:*` } } }),
  },
  refuses: {
    "a service for any account": [role({ Condition: undefined }), anyAccount],
    "a condition on something else": [role({ Condition: { StringEquals: { "sts:ExternalId": "x" } } }), anyAccount],
    "a condition that all accounts meet": [
      role({ Condition: { StringLike: { "aws:SourceAccount": "*" } } }),
      anyAccount,
    ],
    "an account": [
      role({ Principal: root }),
      /trusts arn:aws:iam::123456789012:root\. Remove it, or, if it is meant,.* add it to principals/,
    ],
    everyone: [role({ Principal: "*" }), /trusts \*/],
    "an identity provider": [role({ Principal: { Federated: "token.example.com" } }), /trusts token\.example\.com/],
    "all but some": [role({ Principal: undefined, NotPrincipal: root }), /Set Principal instead of NotPrincipal/],
    "what is no document": [{ ...role({}), props: { assumeRolePolicy: "{}" } }, /no policy document/],
  },
  unknown: { ...role({}), props: { assumeRolePolicy: unknownString } },
});

describe("trusted-principals", () => {
  it("takes further principals from the config", async () => {
    assert.deepEqual(await violations(trustedPrincipals, role({ Principal: root }), { principals: [root.AWS] }), []);
  });
});

const publish = {
  Effect: "Allow",
  Principal: { Service: "sagemaker.amazonaws.com" },
  Action: "sns:Publish",
  Resource: "arn:aws:sns:us-east-1:1:done",
};

function topicPolicy(change: object, type = "aws:sns/topicPolicy:TopicPolicy"): Judged {
  return { type, name: "done", props: { policy: document({ ...publish, ...change }) } };
}

const everyone = /In policy of 'done', statement 1 allows everyone\. Set Principal/;

test(noPublicAccess, {
  good: topicPolicy({}),
  passes: {
    "a denial to everyone": topicPolicy({ Effect: "Deny", Principal: "*" }),
    "everyone of one account": topicPolicy({
      Principal: "*",
      Condition: { StringEquals: { "aws:PrincipalAccount": account } },
    }),
    "a key with KMS's own policy": { type: "aws:kms/key:Key", name: "videos", props: {} },
  },
  refuses: {
    "everyone on a topic": [topicPolicy({ Principal: "*" }), everyone],
    "everyone as AWS writes it": [topicPolicy({ Principal: { AWS: ["*"] } }), everyone],
    "all but some": [topicPolicy({ Principal: undefined, NotPrincipal: root }), everyone],
    "everyone from an address": [
      topicPolicy({ Principal: "*", Condition: { IpAddress: { "aws:SourceIp": "203.0.113.0/24" } } }),
      everyone,
    ],
    ...Object.fromEntries(
      ["aws:s3/bucketPolicy:BucketPolicy", "aws:sqs/queuePolicy:QueuePolicy", "aws:kms/key:Key"].map((type) => [
        `everyone in a ${type}`,
        [topicPolicy({ Principal: "*" }, type), everyone] as const,
      ]),
    ),
  },
  unknown: { ...but(topicPolicy({}), { policy: unknownString }) },
});
