/** Tests the policies on the exposure of resources. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { noForeignAccess, noPublicAccess } from "./exposure.ts";
import { policyTests, withProps } from "./testing/policy-tests.ts";
import { account, document, stranger } from "./testing/documents.ts";
import { unknownString, violations } from "./testing/evaluate.ts";
import type { TestResource } from "./testing/evaluate.ts";

const root = { AWS: `arn:aws:iam::${account}:root` };

const publish = {
  Effect: "Allow",
  Principal: { Service: "sagemaker.amazonaws.com" },
  Action: "sns:Publish",
  Resource: "arn:aws:sns:us-east-1:1:done",
};

function topicPolicy(change: object, type = "aws:sns/topicPolicy:TopicPolicy"): TestResource {
  return { type, name: "done", props: { policy: document({ ...publish, ...change }) } };
}

const everyone = /In policy of 'done', statement 1 allows everyone\. Set Principal/;

policyTests(noPublicAccess, {
  good: topicPolicy({}),
  passes: {
    "a denial to everyone": topicPolicy({ Effect: "Deny", Principal: "*" }),
    "everyone of one account": topicPolicy({
      Principal: "*",
      Condition: { StringEquals: { "aws:PrincipalAccount": account } },
    }),
    "everyone of one organization": topicPolicy({
      Principal: "*",
      Condition: { StringEquals: { "aws:PrincipalOrgID": "o-a1b2c3d4e5" } },
    }),
    "roles of one account": topicPolicy({
      Principal: "*",
      Condition: { StringLike: { "AWS:PrincipalArn": `arn:aws:iam::${account}:role/*` } },
    }),
    "everyone of one account, among other conditions": topicPolicy({
      Principal: "*",
      Condition: { StringEquals: { "aws:SourceAccount": account }, StringNotEquals: { "aws:PrincipalAccount": "1" } },
    }),
    "a topic with AWS's own policy": { type: "aws:sns/topic:Topic", name: "done", props: {} },
    "a key with KMS's own policy": { type: "aws:kms/key:Key", name: "videos", props: {} },
  },
  refuses: {
    "everyone on a topic": [topicPolicy({ Principal: "*" }), everyone],
    "everyone as AWS writes it": [topicPolicy({ Principal: { AWS: ["*"] } }), everyone],
    "everyone except some": [topicPolicy({ Principal: undefined, NotPrincipal: root }), everyone],
    "everyone from an address": [
      topicPolicy({ Principal: "*", Condition: { IpAddress: { "aws:SourceIp": "203.0.113.0/24" } } }),
      everyone,
    ],
    ...Object.fromEntries(
      Object.entries({
        "all accounts but one": { StringNotEquals: { "aws:PrincipalAccount": account } },
        "sources that are not named": { Null: { "aws:SourceArn": "true" } },
        "principals of all accounts": { StringLike: { "aws:PrincipalArn": "arn:aws:iam::*:*" } },
        "one account, if the request has one": { StringEqualsIfExists: { "aws:PrincipalAccount": account } },
        "one of the accounts, all of which are allowed": { StringLike: { "aws:PrincipalAccount": [account, "*"] } },
        "any organization": { StringLike: { "aws:PrincipalOrgID": "o-*" } },
        "values that may be missing": { "ForAllValues:StringEquals": { "aws:PrincipalAccount": account } },
        "the caller's own account": { StringEquals: { "aws:PrincipalAccount": "${aws:PrincipalAccount}" } },
      }).map(([what, Condition]) => [what, [topicPolicy({ Principal: "*", Condition }), everyone] as const]),
    ),
    "a document that cannot be read": [
      topicPolicy({ Principal: undefined, principal: "*" }),
      /'done' has no readable policy document in policy\./,
    ],
    "a kind of principal in lower case": [topicPolicy({ Principal: { aws: "*" } }), /no readable policy document/],
    ...Object.fromEntries(
      [
        "aws:kms/key:Key",
        "aws:kms/keyPolicy:KeyPolicy",
        "aws:kms/replicaKey:ReplicaKey",
        "aws:s3/accessPoint:AccessPoint",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:s3/bucket:Bucket",
        "aws:s3control/accessPointPolicy:AccessPointPolicy",
        "aws:sns/topic:Topic",
        "aws:sqs/queue:Queue",
        "aws:sqs/queuePolicy:QueuePolicy",
      ].map((type) => [`everyone in a ${type}`, [topicPolicy({ Principal: "*" }, type), everyone] as const]),
    ),
  },
  unknown: { ...withProps(topicPolicy({}), { policy: unknownString }) },
});

/** Identifies the stack's account. */
const execution: TestResource = {
  type: "aws:iam/role:Role",
  name: "execution",
  props: { arn: `arn:aws:iam::${account}:role/execution` },
};
const grant: TestResource = {
  type: "aws:kms/grant:Grant",
  name: "reader",
  props: { granteePrincipal: `arn:aws:iam::${account}:role/reader` },
};
const permission: TestResource = {
  type: "aws:lambda/permission:Permission",
  name: "call",
  props: { principal: "sns.amazonaws.com", sourceArn: `arn:aws:sns:us-east-1:${account}:done` },
};
const subscription: TestResource = {
  type: "aws:sns/topicSubscription:TopicSubscription",
  name: "done",
  props: { protocol: "sqs", endpoint: `arn:aws:sqs:us-east-1:${account}:done` },
};
/** A key of another account that a program has read into its stack. */
const foreignKey: TestResource = {
  type: "aws:kms/key:Key",
  name: "theirs",
  props: { arn: `arn:aws:kms:us-east-1:${stranger}:key/1` },
};
const foreignRole = `arn:aws:iam::${stranger}:role/reader`;
const calls = /'call' lets .* call a function/;
const sends = /'done' sends a topic's messages to .*add it to endpoints/;

policyTests(noForeignAccess, {
  good: [execution, grant, permission, subscription, topicPolicy({ Principal: root })],
  passes: {
    "e-mail": [withProps(subscription, { protocol: "email", endpoint: "ops@example.com" })],
    "an account by its number": [execution, topicPolicy({ Principal: { AWS: account } })],
    "services, whose conditions are for other policies": [topicPolicy({})],
    "a denial to strangers": [execution, topicPolicy({ Effect: "Deny", Principal: { AWS: foreignRole } })],
    "a function that S3 calls for this account": [
      execution,
      withProps(permission, {
        principal: "s3.amazonaws.com",
        sourceArn: "arn:aws:s3:::videos",
        sourceAccount: account,
      }),
    ],
  },
  refuses: {
    "a grant to another account": [
      [execution, withProps(grant, { granteePrincipal: foreignRole })],
      /'reader' gives a key to arn:aws:iam::999999999999:role\/reader\. Remove it/,
    ],
    "a grant to another account whose key the program has read": [
      [execution, foreignKey, withProps(grant, { granteePrincipal: foreignRole })],
      /gives a key to/,
    ],
    "a grant in a stack whose account is not identified": [[grant], /gives a key to/],
    "everyone who may call a function": [
      [execution, withProps(permission, { principal: "*", sourceArn: undefined })],
      calls,
    ],
    "another account that may call a function": [[execution, withProps(permission, { principal: stranger })], calls],
    "a service that calls for any account": [
      [execution, withProps(permission, { sourceArn: undefined })],
      /for any account that it acts for\. Set its sourceAccount/,
    ],
    "a service that calls for another account": [
      [execution, withProps(permission, { sourceAccount: stranger })],
      calls,
    ],
    "a bucket of anyone that may call a function": [
      [execution, withProps(permission, { principal: "s3.amazonaws.com", sourceArn: "arn:aws:s3:::videos" })],
      calls,
    ],
    "an address on the web": [
      [execution, withProps(subscription, { protocol: "https", endpoint: "https://collector.example" })],
      sends,
    ],
    "a queue of another account": [
      [execution, withProps(subscription, { endpoint: `arn:aws:sqs:us-east-1:${stranger}:q` })],
      sends,
    ],
    "a telephone": [[execution, withProps(subscription, { protocol: "sms", endpoint: "+10000000000" })], sends],
    ...Object.fromEntries(
      ["aws:s3/bucketPolicy:BucketPolicy", "aws:kms/key:Key", "aws:sns/topic:Topic"].map((type) => [
        `another account in a ${type}`,
        [
          [execution, topicPolicy({ Principal: { AWS: ["*", foreignRole] } }, type)],
          /statement 1 allows arn:aws:iam::9/,
        ] as const,
      ]),
    ),
    "an identity provider's users": [
      [execution, topicPolicy({ Principal: { Federated: "accounts.google.com" } })],
      /allows accounts\.google\.com/,
    ],
  },
  unknown: [withProps(execution, { arn: unknownString }), grant],
});

describe("no-foreign-access", () => {
  it("reads further accounts, principals and endpoints from the config", async () => {
    const web = "https://hooks.example.com";
    const stack = [
      execution,
      withProps(grant, { granteePrincipal: foreignRole }),
      withProps(subscription, { protocol: "https", endpoint: web }),
    ];
    assert.equal((await violations(noForeignAccess, stack)).length, 2);
    for (const principal of [stranger, foreignRole]) {
      const config = { principals: [principal], endpoints: [web] };
      assert.deepEqual(await violations(noForeignAccess, stack, config), []);
    }
  });

  it("reports that it cannot evaluate a subscription before its queue exists", async () => {
    assert.deepEqual(
      await violations(noForeignAccess, [execution, withProps(subscription, { endpoint: unknownString })]),
      [],
    );
  });
});
