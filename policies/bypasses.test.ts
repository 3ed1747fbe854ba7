/** Tests stacks that bypassed the pack in a security review: the whole pack evaluates each of them and a similar legitimate one. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { policies } from "./pack.ts";
import { withProps } from "./testing/policy-tests.ts";
import { account, document, stranger } from "./testing/documents.ts";
import { reports } from "./testing/evaluate.ts";
import type { TestResource } from "./testing/evaluate.ts";

/** One bypass of the pack. */
interface Bypass {
  readonly attack: readonly TestResource[];
  /** A legitimate stack, which the policy accepts. */
  readonly neighbour: readonly TestResource[];
  /** Name of the policy that refuses the attack. */
  readonly by: string;
}

function resource(type: string, props: Record<string, unknown> = {}): TestResource {
  return { type, name: "it", props };
}

const administrator = "arn:aws:iam::aws:policy/AdministratorAccess";
const ownPolicy = resource("aws:iam/policy:Policy", { arn: `arn:aws:iam::${account}:policy/own` });
const ownRole = resource("aws:iam/role:Role", { arn: `arn:aws:iam::${account}:role/own` });

function attaching(type: string, props: (arn: string) => Record<string, unknown>): Bypass {
  const own = `arn:aws:iam::${account}:policy/own`;
  return {
    attack: [ownPolicy, resource(type, props(administrator))],
    neighbour: [ownPolicy, resource(type, props(own))],
    by: "own-policies-only",
  };
}

/** Returns statements that allow an action, in a policy of IAM. */
function allowing(attack: object, neighbour: object, type = "aws:iam/policy:Policy"): Bypass {
  const policyOf = (change: object) => resource(type, { policy: document({ Effect: "Allow", ...change }) });
  return { attack: [policyOf(attack)], neighbour: [policyOf(neighbour)], by: "no-wildcards" };
}

const objects = (Resource: string) => ({ Action: "s3:GetObject", Resource });
const passing = (Resource: string) => ({ Action: "iam:PassRole", Resource });
const invoking = (Resource: string) => ({ Action: "sagemaker:InvokeEndpointAsync", Resource });

/** Returns resources whose policies allow everyone, and everyone of this account. */
function opening(type: string): Bypass {
  const policyOf = (change: object) =>
    resource(type, {
      policy: document({ Effect: "Allow", Principal: "*", Action: "sns:Publish", Resource: "*", ...change }),
    });
  return {
    attack: [policyOf({})],
    neighbour: [policyOf({ Condition: { StringEquals: { "aws:PrincipalAccount": account } } })],
    by: "no-public-access",
  };
}

function limiting(Condition: object): Bypass {
  const { neighbour, by } = opening("aws:sns/topicPolicy:TopicPolicy");
  const [open] = opening("aws:sns/topicPolicy:TopicPolicy").attack;
  assert.ok(open !== undefined);
  const statement = { Effect: "Allow", Principal: "*", Action: "sns:Publish", Resource: "*", Condition };
  return { attack: [withProps(open, { policy: document(statement) })], neighbour, by };
}

function trusting(attack: object, neighbour: object): Bypass {
  const roleOf = (change: object) =>
    resource("aws:iam/role:Role", {
      assumeRolePolicy: document({ Effect: "Allow", Action: "sts:AssumeRole", ...change }),
    });
  return { attack: [roleOf(attack)], neighbour: [roleOf(neighbour)], by: "trusted-principals" };
}

const sageMaker = { Principal: { Service: "sagemaker.amazonaws.com" } };
const issuer = "token.actions.githubusercontent.com";
const provider = `arn:aws:iam::${account}:oidc-provider/${issuer}`;
const gitHub = { Principal: { Federated: provider }, Action: "sts:AssumeRoleWithWebIdentity" };

function unknownType(type: string): Bypass {
  return { attack: [resource(type)], neighbour: [resource("aws:sagemaker/model:Model")], by: "known-types-only" };
}

function endpointOf(instanceType: string, initialInstanceCount: number): TestResource[] {
  return [
    resource("aws:sagemaker/endpointConfiguration:EndpointConfiguration", {
      name: "it",
      productionVariants: [{ instanceType, initialInstanceCount }],
    }),
    resource("aws:sagemaker/endpoint:Endpoint", { endpointConfigName: "it" }),
  ];
}

const subscribing = (protocol: string, endpoint: string) =>
  resource("aws:sns/topicSubscription:TopicSubscription", { protocol, endpoint });

const bypasses: Readonly<Record<string, Bypass>> = {
  "a role with a policy of AWS's": attaching("aws:iam/role:Role", (arn) => ({ managedPolicyArns: [arn] })),
  "an attachment of a policy of AWS's": attaching("aws:iam/rolePolicyAttachment:RolePolicyAttachment", (policyArn) => ({
    policyArn,
  })),
  "a user's policy that allows everything": allowing(
    { Action: "*", Resource: "*" },
    objects("arn:aws:s3:::videos/*"),
    "aws:iam/userPolicy:UserPolicy",
  ),
  "every object of every bucket": allowing(objects("arn:aws:s3:::*/*"), objects("arn:aws:s3:::videos/*")),
  "every bucket, of at least one letter": allowing(objects("arn:aws:s3:::?*"), objects("arn:aws:s3:::videos-*")),
  "every role of every account": allowing(
    passing("arn:aws:iam::*:role/?*"),
    passing(`arn:aws:iam::${account}:role/video-dev-execution-*`),
  ),
  "everything of SageMaker's": allowing(
    invoking("arn:aws:sagemaker:*:*:*/*"),
    invoking(`arn:aws:sagemaker:*:${account}:endpoint/videos-*`),
  ),
  "elements in lower case": {
    ...allowing({}, objects("arn:aws:s3:::videos/*")),
    attack: [
      resource("aws:iam/policy:Policy", {
        policy: document({ Effect: "Allow", action: "*", resource: "*", Resource: "arn:aws:s3:::videos/*" }),
      }),
    ],
  },
  "a topic with a policy inside": opening("aws:sns/topic:Topic"),
  "a key's policy in a separate resource": opening("aws:kms/keyPolicy:KeyPolicy"),
  "an access point": opening("aws:s3/accessPoint:AccessPoint"),
  "a queue with a policy inside": opening("aws:sqs/queue:Queue"),
  "a grant to another account": {
    attack: [ownRole, resource("aws:kms/grant:Grant", { granteePrincipal: `arn:aws:iam::${stranger}:root` })],
    neighbour: [ownRole, resource("aws:kms/grant:Grant", { granteePrincipal: ownRole.props["arn"] })],
    by: "no-foreign-access",
  },
  "a function that everyone may call": {
    attack: [ownRole, resource("aws:lambda/permission:Permission", { principal: "*" })],
    neighbour: [ownRole, resource("aws:lambda/permission:Permission", { principal: account })],
    by: "no-foreign-access",
  },
  "everyone but one account": limiting({ StringNotEquals: { "aws:PrincipalAccount": account } }),
  "everyone who is no service": limiting({ Null: { "aws:SourceArn": "true" } }),
  "principals of every account": limiting({ StringLike: { "aws:PrincipalArn": "arn:aws:iam::*:*" } }),
  "a service acting for every account but one": trusting(
    { ...sageMaker, Condition: { StringNotEquals: { "aws:SourceAccount": account } } },
    { ...sageMaker, Condition: { StringEquals: { "aws:SourceAccount": account } } },
  ),
  "every repository of GitHub": trusting(
    { ...gitHub, Condition: { StringEquals: { [`${issuer}:aud`]: "sts.amazonaws.com" } } },
    { ...gitHub, Condition: { StringEquals: { [`${issuer}:sub`]: "repo:team/videos:environment:prod" } } },
  ),
  "another package": unknownType("aws-native:iam:Role"),
  "a CloudFormation stack": unknownType("aws:cloudformation/stack:Stack"),
  "a resource of the Cloud Control API": unknownType("aws:cloudcontrol/resource:Resource"),
  "fifty instances that nothing scales": {
    attack: endpointOf("ml.p5.48xlarge", 50),
    neighbour: endpointOf("ml.g4dn.xlarge", 1),
    by: "hourly-cost-limit",
  },
  "a notebook instance": unknownType("aws:sagemaker/notebookInstance:NotebookInstance"),
  "a virtual machine": unknownType("aws:ec2/instance:Instance"),
  "a subscription of an address on the web": {
    attack: [ownRole, subscribing("http", "http://collector.example/all")],
    neighbour: [ownRole, subscribing("sqs", `arn:aws:sqs:us-east-1:${account}:done`)],
    by: "no-foreign-access",
  },
};

describe("bypasses of the pack", () => {
  const config = { "trusted-principals": { principals: [provider] } };

  for (const [what, { attack, neighbour, by }] of Object.entries(bypasses)) {
    it(`refuses ${what}, and accepts the legitimate counterpart`, async () => {
      const said = async (stack: readonly TestResource[]): Promise<string[]> =>
        (await reports(policies, stack, config)).filter(({ policy }) => policy === by).map(({ message }) => message);
      const [message] = await said(attack);
      assert.match(message ?? "nothing is reported", /^(?!Cannot be evaluated in preview).*(Set|Remove|Add)/);
      assert.deepEqual(await said(neighbour), []);
    });
  }
});
