/**
 * Tests that the roles of an environment cannot use the resources of other environments in the same account. MiniStack's IAM evaluator
 * evaluates the policies that the program generates. Every action that a role has is tried on every resource of the others, with any values
 * that the caller may choose in the request. Only `unlimitedActions` reach anything, so no first step (a tag, a trust policy, a policy
 * version) prepares a second one.
 */
import assert from "node:assert/strict";
import { before, describe, it } from "mocha";
import { statements } from "../../infra/testing/documents.ts";
import { accountId, region } from "../../infra/testing/registrations.ts";
import { environments } from "../../infra/bootstrap/environments.ts";
import type { Environment } from "../../infra/bootstrap/environments.ts";
import { BootstrappedAccount, sharedResources, stackResources, teamResources } from "../testing/bootstrap/account.ts";
import type { Role } from "../testing/bootstrap/account.ts";
import { evaluate } from "../testing/bootstrap/evaluator.ts";
import type { Resource } from "../testing/bootstrap/evaluator.ts";
import { bootstrap } from "../../infra/bootstrap/testing/registered.ts";
import { openActions, reach } from "../testing/bootstrap/separation.ts";
import { unlimitedActions } from "../../infra/bootstrap/unlimited-actions.ts";

const all = Object.values(environments);
const pairs = all.flatMap((one) => all.filter((each) => each !== one).map((other) => [one, other] as const));
const listed: readonly string[] = Object.values(unlimitedActions).flatMap(({ actions }) => actions);

describe("the roles of an environment", () => {
  let account: BootstrappedAccount;

  before(async () => {
    account = new BootstrappedAccount((await bootstrap()).registrations);
  });

  for (const [one, other] of pairs) {
    it(`${one.name}: reach no resource of ${other.name}, except by unlimited actions`, async () => {
      const resources = [...account.ownResources(other), ...account.bootstrapResources(other)];
      const reached = await reach(account, one, resources);
      assert.deepEqual(
        reached.filter(({ action }) => !openActions.includes(action)),
        [],
      );
    });
  }

  for (const one of all) {
    it(`${one.name}: reach no resource of the bootstrap or of another team, except by unlimited actions`, async () => {
      const reached = await reach(account, one, [...account.bootstrapResources(one), ...teamResources()]);
      assert.deepEqual(
        reached.filter(({ action }) => !openActions.includes(action)),
        [],
      );
    });

    it(`${one.name}: have only permissions that apply to a resource of the environment`, async () => {
      const reached = await reach(account, one, [...account.ownResources(one), ...sharedResources]);
      for (const role of account.rolesOf(one)) {
        const usable = reached.filter((each) => each.role === role.name).map(({ action }) => action);
        const useless = account.actionsOf(role).filter((action) => !usable.includes(action));
        assert.deepEqual(useless, [], role.name);
      }
    });
  }

  it("can use every unlimited action outside their environment, so the list has no superfluous entry", async () => {
    const untagged = stackResources("team", null);
    const reached = await Promise.all(all.map((one) => reach(account, one, [...untagged, ...sharedResources])));
    const actions = new Set(reached.flat().map(({ action }) => action));
    assert.deepEqual(
      listed.filter((action) => !actions.has(action)),
      [],
    );
  });

  it("name only resources of the environment in all other statements", () => {
    for (const { name } of all) {
      const own = new RegExp(
        `[:/](video-${environments[name].stack.replace("*", "")}|async-video-${name}-)|/AWSServiceRoleForApplicationAutoScaling_|:alarm:$`,
      );
      for (const [document, policy] of Object.entries(account.policies)) {
        if (!document.startsWith(`${name}-`)) continue;
        for (const { Sid = "", Action, Resource = [] } of statements(policy)) {
          if (Resource.every((each) => own.test(each))) continue;
          assert.deepEqual(
            Action.filter((action) => !listed.includes(action)),
            [],
            `${document} ${Sid}`,
          );
        }
      }
    }
  });
});

/** A call with the values that IAM evaluates. */
interface Call {
  readonly action: string;
  readonly resource: Resource;
  readonly context?: Readonly<Record<string, string | null>>;
}

describe("a deployment of one environment", () => {
  let account: BootstrappedAccount;
  const { dev, production, ephemeral } = environments;

  before(async () => {
    account = new BootstrappedAccount((await bootstrap()).registrations);
  });

  const plain = (arn: string): Resource => ({
    arn,
    context: { "aws:ResourceTag/stack": null, "kms:RequestAlias": null },
    keyPolicy: null,
  });
  const iam = (name: string) => plain(`arn:aws:iam::${accountId}:${name}`);
  const target = (tag: string | null): Resource => ({
    ...plain(`arn:aws:application-autoscaling:${region}:${accountId}:scalable-target/0a1b`),
    context: { "aws:ResourceTag/stack": tag },
  });
  const boundary = (name: string) => `arn:aws:iam:${region}:${accountId}:async-video-${name}-boundary-0a1b2c3`;

  /** Evaluates calls by a role of an environment; returns for each call whether it is allowed. */
  async function decide(environment: Environment, calls: readonly Call[], kind = "deploy"): Promise<boolean[]> {
    const role = account.rolesOf(environment).find(({ name }) => name === `${environment.name}-${kind}`);
    assert.ok(role);
    const answers = await evaluate({
      policies: account.policies,
      keyPolicies: account.keyPolicies,
      questions: calls.map(({ action, resource, context = {} }) => ({
        principal: role.arn,
        policies: role.policies,
        boundary: role.boundary,
        actions: [action],
        resources: [resource],
        context,
        free: [],
      })),
    });
    return answers.map((answer) => answer.length > 0);
  }

  /** Asserts that an environment's role may make none of the calls. */
  async function assertRefused(environment: Environment, calls: readonly Call[], kind?: string): Promise<void> {
    const answers = await decide(environment, calls, kind);
    assert.deepEqual(
      calls.filter((_, index) => answers[index] === true),
      [],
    );
  }

  /** Asserts that an environment's role may make all of the calls. */
  async function assertAccepted(environment: Environment, calls: readonly Call[], kind?: string): Promise<void> {
    const answers = await decide(environment, calls, kind);
    assert.deepEqual(
      calls.filter((_, index) => answers[index] !== true),
      [],
    );
  }

  it("cannot tag an endpoint of another environment as its own, or change it once it is tagged", async () => {
    const endpoint = plain(`arn:aws:sagemaker:${region}:${accountId}:endpoint/video-prod-endpoint-0a1b2c3`);
    const tagged = { ...endpoint, context: { "aws:ResourceTag/stack": "pr-7" } };
    await assertRefused(ephemeral, [
      { action: "sagemaker:AddTags", resource: endpoint, context: { "aws:RequestTag/stack": "pr-7" } },
      { action: "sagemaker:UpdateEndpoint", resource: tagged },
      { action: "sagemaker:DeleteEndpoint", resource: tagged },
    ]);
  });

  it("cannot tag a key of the account as its own, or use it once it is tagged", async () => {
    const key = teamResources().find(({ arn }) => arn.endsWith(":key/team"));
    assert.ok(key);
    const tagged = { ...key, context: { ...key.context, "aws:ResourceTag/stack": "pr-7" } };
    await assertRefused(ephemeral, [
      { action: "kms:TagResource", resource: key, context: { "aws:RequestTag/stack": "pr-7" } },
      ...["PutKeyPolicy", "Decrypt", "GenerateDataKey", "ScheduleKeyDeletion", "CreateGrant"].map((action) => ({
        action: `kms:${action}`,
        resource: tagged,
      })),
    ]);
  });

  it("cannot assume or change a role of another environment, pass it to a service, or rewrite a policy that people use", async () => {
    await assertRefused(ephemeral, [
      { action: "iam:UpdateAssumeRolePolicy", resource: iam("role/video-prod-execution-0a1b2c3") },
      { action: "sts:AssumeRole", resource: iam("role/video-prod-execution-0a1b2c3") },
      { action: "iam:DeleteRolePolicy", resource: iam("role/video-prod-execution-0a1b2c3") },
      {
        action: "iam:PassRole",
        resource: iam("role/video-prod-execution-0a1b2c3"),
        context: { "iam:PassedToService": "sagemaker.amazonaws.com" },
      },
      { action: "iam:CreatePolicyVersion", resource: iam("policy/video-prod-caller-0a1b2c3") },
      { action: "iam:DeletePolicy", resource: iam("policy/video-prod-caller-0a1b2c3") },
    ]);
  });

  it("cannot replace the model of another environment", async () => {
    await assertRefused(ephemeral, [
      { action: "s3:PutObject", resource: plain("arn:aws:s3:::video-prod-input-0a1b2c3/models/0f/model.tar.gz") },
    ]);
  });

  it("cannot change or untag the scaling of another environment, and can register its own before AWS sees a tag", async () => {
    const context = { "application-autoscaling:service-namespace": "sagemaker" };
    const actions = [
      "DeregisterScalableTarget",
      "DeleteScalingPolicy",
      "PutScalingPolicy",
      "PutScheduledAction",
      "RegisterScalableTarget",
    ];
    const calls = (tag: string | null) =>
      [...actions, "TagResource", "UntagResource"].map((action) => ({
        action: `application-autoscaling:${action}`,
        resource: target(tag),
        context,
      }));
    await assertRefused(ephemeral, [...calls("prod"), ...calls("dev"), ...calls("pr")]);
    await assertAccepted(ephemeral, [...calls("pr-7"), ...calls(null)]);
    await assertAccepted(dev, [...calls("dev"), ...calls(null)]);
  });

  it("cannot create a role without its boundary, or attach a policy from outside its environment to a role", async () => {
    const role = iam("role/video-dev-execution-0a1b2c3");
    const own = boundary("dev");
    const roleActions = ["iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"];
    for (const bound of [null, boundary("production"), "arn:aws:iam::aws:policy/AdministratorAccess"]) {
      await assertRefused(
        dev,
        roleActions.map((action) => ({ action, resource: role, context: { "iam:PermissionsBoundary": bound } })),
      );
    }
    await assertAccepted(
      dev,
      roleActions.map((action) => ({ action, resource: role, context: { "iam:PermissionsBoundary": own } })),
    );
    const attach = (policy: string, bound: string | null = own) => ({
      action: "iam:AttachRolePolicy",
      resource: role,
      context: { "iam:PermissionsBoundary": bound, "iam:PolicyARN": policy },
    });
    const ownPolicy = `arn:aws:iam::${accountId}:policy/video-dev-caller-0a1b2c3`;
    await assertAccepted(dev, [attach(ownPolicy)]);
    await assertRefused(dev, [
      attach(ownPolicy, null),
      attach("arn:aws:iam::aws:policy/AdministratorAccess"),
      attach(`arn:aws:iam::${accountId}:policy/video-prod-caller-0a1b2c3`),
      { action: "iam:DeleteRolePermissionsBoundary", resource: role },
    ]);
  });

  it("can pass only its execution role, and only to SageMaker", async () => {
    const pass = (name: string, service: string) => ({
      action: "iam:PassRole",
      resource: iam(`role/${name}`),
      context: { "iam:PassedToService": service },
    });
    await assertAccepted(dev, [pass("video-dev-execution-0a1b2c3", "sagemaker.amazonaws.com")]);
    await assertRefused(dev, [
      pass("video-dev-execution-0a1b2c3", "ec2.amazonaws.com"),
      pass("video-dev-caller-0a1b2c3", "sagemaker.amazonaws.com"),
      pass("async-video-dev-deploy-0a1b2c3", "sagemaker.amazonaws.com"),
    ]);
  });

  it("cannot use the keys of another environment, even if its own policies allow everything", async () => {
    const [keys, ownKeys] = [production, dev].map((environment) =>
      account.ownResources(environment).filter(({ keyPolicy }) => keyPolicy !== null),
    );
    assert.ok(keys?.length === 2 && ownKeys?.length === 2);
    const person: Role = {
      name: "person",
      arn: `arn:aws:iam::${accountId}:role/video-team`,
      policies: [],
      boundary: null,
    };
    const roles = [...account.rolesOf(dev), person].map((role) => ({
      ...role,
      policies: ["everything"],
      boundary: null,
    }));
    const answers = await evaluate({
      policies: account.policies,
      keyPolicies: account.keyPolicies,
      questions: roles.map(({ arn, policies, boundary: none }) => ({
        principal: arn,
        policies,
        boundary: none,
        actions: ["kms:Decrypt"],
        resources: [...keys, ...ownKeys],
        context: {},
        free: [],
      })),
    });
    const names = (resources: readonly Resource[]) => resources.map(({ arn }) => arn);
    assert.deepEqual(
      answers.map((answer) => answer.map(([, arn]) => arn)),
      roles.map(({ name }) => (name === "person" ? names([...keys, ...ownKeys]) : names(ownKeys))),
    );
  });
});
