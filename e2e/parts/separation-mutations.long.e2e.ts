/** Tests that the check of the environments' separation (`separation.long.e2e.ts`) finds a fault in any statement, and refuses policies that it cannot evaluate. */
import assert from "node:assert/strict";
import { before, describe, it } from "mocha";
import { statements } from "../../infra/testing/documents.ts";
import type { Statement } from "../../infra/testing/documents.ts";
import type { Registrations } from "../../infra/testing/registrations.ts";
import { environments, namePrefix } from "../../infra/bootstrap/environments.ts";
import type { Environment } from "../../infra/bootstrap/environments.ts";
import { BootstrappedAccount, teamResources } from "../testing/bootstrap/account.ts";
import { evaluate } from "../testing/bootstrap/evaluator.ts";
import type { Batch } from "../testing/bootstrap/evaluator.ts";
import { bootstrap } from "../../infra/bootstrap/testing/registered.ts";
import { openActions, questionsAbout, reach } from "../testing/bootstrap/separation.ts";

const { dev, production, ephemeral } = environments;

/** Returns a policy document with these statements. */
const documentOf = (Statement: readonly unknown[]) => ({ Version: "2012-10-17", Statement });

describe("the check of the environments' separation", () => {
  let registrations: Registrations;
  let account: BootstrappedAccount;

  before(async () => {
    ({ registrations } = await bootstrap());
    account = new BootstrappedAccount(registrations);
  });

  /** Widens a statement's resources from one environment's to those of all; returns undefined if it names none of the environment's. */
  function widened(environment: Environment, statement: Statement): Statement | undefined {
    const { name } = environment;
    const Resource = statement.Resource?.map((arn) =>
      arn
        .replaceAll(namePrefix(environment), "video-*")
        .replaceAll(`async-video-${name}-`, "async-video-*")
        .replaceAll(`/${name}/*`, "/*"),
    );
    return statement.Effect === "Deny" || JSON.stringify(Resource) === JSON.stringify(statement.Resource)
      ? undefined
      : { ...statement, Resource };
  }

  for (const [environment, other] of [
    [dev, production],
    [production, ephemeral],
    [ephemeral, dev],
  ] as const) {
    it(`finds each statement of ${environment.name} that is widened to the names of all environments`, async () => {
      // Omit the key policies' deny statements, which would hide a fault in a role's policy.
      const keyPolicies = Object.fromEntries(
        Object.entries(account.keyPolicies).map(([name, document]) => [
          name,
          documentOf(
            (document as { Statement: { Effect: string }[] }).Statement.filter(({ Effect }) => Effect === "Allow"),
          ),
        ]),
      );
      const mutants = account.rolesOf(environment).flatMap((role) =>
        [...role.policies, ...(role.boundary === null ? [] : [role.boundary])].flatMap((name) => {
          const document = statements(account.policies[name]);
          return document.flatMap((statement, index) => {
            const wide = widened(environment, statement);
            if (wide === undefined) return [];
            const mutantName = `${role.name} ${statement.Sid ?? ""}`;
            const mutant = documentOf(document.with(index, wide));
            return [{ mutantName, role, name, actions: statement.Action, mutant }];
          });
        }),
      );
      assert.ok(mutants.length > 20, String(mutants.length));
      const batch: Batch = {
        policies: {
          ...account.policies,
          ...Object.fromEntries(mutants.map(({ mutantName, mutant }) => [mutantName, mutant])),
        },
        keyPolicies,
        questions: mutants.flatMap(({ mutantName, role, name, actions }) => {
          const mutated = (each: string): string => (each === name ? mutantName : each);
          const changed = {
            ...role,
            policies: role.policies.map(mutated),
            boundary: role.boundary === null ? null : mutated(role.boundary),
          };
          return questionsAbout(changed, actions, account.ownResources(other));
        }),
      };
      const answers = await evaluate(batch);
      const found = new Set(
        batch.questions.flatMap(({ policies, boundary }, index) =>
          (answers[index]?.length ?? 0) > 0 ? [...policies, boundary] : [],
        ),
      );
      assert.deepEqual(
        mutants.filter(({ mutantName }) => !found.has(mutantName)).map(({ mutantName }) => mutantName),
        [],
      );
    });
  }

  /** Changes the policies of dev's deployment role; returns the calls that dev can then make on resources (production's by default). */
  async function reachedWith(
    change: (statement: Statement) => Statement[],
    resources = account.ownResources(production),
  ) {
    const changed = new BootstrappedAccount(registrations);
    for (const [name, document] of Object.entries(account.policies)) {
      if (name.startsWith("dev-deploy")) changed.policies[name] = documentOf(statements(document).flatMap(change));
    }
    const reached = await reach(changed, dev, resources);
    return reached.filter(({ action }) => !openActions.includes(action));
  }

  it("finds nothing without a change", async () => {
    assert.deepEqual(await reachedWith((statement) => [statement]), []);
  });

  it("finds that the deny statement for scaling is missing or does not apply", async () => {
    for (const change of [
      (statement: Statement) => (statement.Effect === "Deny" ? [] : [statement]),
      (statement: Statement) => [
        statement.Effect === "Deny"
          ? { ...statement, Condition: { StringLike: { "aws:ResourceTag/stack": "dev" } } }
          : statement,
      ],
      (statement: Statement) => [
        statement.Effect === "Deny" ? { ...statement, Action: statement.Action.slice(0, -1) } : statement,
      ],
    ]) {
      const reached = await reachedWith(change);
      assert.ok(reached.some(({ action }) => action.startsWith("application-autoscaling:")));
    }
  });

  it("finds permissions that depend on a tag that the role itself may set", async () => {
    const reached = await reachedWith(
      (statement) => [
        statement,
        {
          Sid: "TagNewKeys",
          Effect: "Allow",
          Action: ["kms:TagResource"],
          Resource: ["*"],
          Condition: { Null: { "aws:ResourceTag/stack": "true" } },
        },
      ],
      teamResources(),
    );
    assert.ok(reached.some(({ action, arn }) => action === "kms:TagResource" && arn.endsWith(":key/team")));
  });

  /** Evaluates one call with a statement that has `change`, or with another document. */
  async function evaluateWith(change: Readonly<Record<string, unknown>>, document?: unknown): Promise<unknown> {
    const statement = { Effect: "Allow", Action: ["sns:Subscribe"], Resource: ["*"] };
    return await evaluate({
      policies: { changed: document ?? documentOf([{ ...statement, ...change }]) },
      keyPolicies: {},
      questions: [
        {
          principal: "arn:aws:iam::123456789012:role/one",
          policies: ["changed"],
          boundary: null,
          actions: ["sns:Subscribe"],
          resources: [{ arn: "arn:aws:sns:eu-west-1:123456789012:one", context: {}, keyPolicy: null }],
          context: { "sns:Protocol": "sqs" },
          free: [],
        },
      ],
    });
  }

  it("evaluates a statement whose elements it supports", async () => {
    const allowed = [[["sns:Subscribe", "arn:aws:sns:eu-west-1:123456789012:one"]]];
    assert.deepEqual(await evaluateWith({ Condition: { StringEquals: { "sns:Protocol": "sqs" } } }), allowed);
    assert.deepEqual(await evaluateWith({ Condition: { StringEquals: { "sns:Protocol": "email" } } }), [[]]);
  });

  const values = { "sns:Protocol": "sqs" };
  for (const [problem, change, message] of [
    ["an unknown operator", { Condition: { StringEqual: values } }, /StringEqual is not supported/],
    [
      "an operator that is not on its list",
      { Condition: { StringEqualsIfExists: values } },
      /IfExists is not supported/,
    ],
    ["a set operator", { Condition: { "ForAllValues:StringEquals": values } }, /ForAllValues:StringEquals is not supp/],
    [
      "a condition key without a value in the question",
      { Condition: { StringEquals: { "sns:Protocoll": "sqs" } } },
      /has no value for sns:Protocoll/,
    ],
    ["a condition that is not an object", { Condition: { StringEquals: "sqs" } }, /StringEquals has no condition keys/],
    [
      "a policy variable in a value",
      { Condition: { StringLike: { "sns:Protocol": "${aws:username}" } } },
      /sns:Protocol is not compared with strings without policy variables/,
    ],
    ["a policy variable in a resource", { Resource: ["arn:aws:sns:*:*:${aws:username}"] }, /Resource is not a list of/],
    [
      "a wildcard in the middle of an ARN",
      { Condition: { ArnLike: { "sns:Protocol": "arn:aws:iam::*:role/one" } } },
      /sns:Protocol has a wildcard before the last part/,
    ],
    ["Null with two values", { Condition: { Null: { "sns:Protocol": ["true", "false"] } } }, /neither true nor false/],
    ["NotAction", { NotAction: ["sns:Publish"] }, /not supported with, or without, NotAction/],
    ["NotResource", { NotResource: ["*"] }, /not supported with, or without, NotResource/],
    ["a principal in a role's policy", { Principal: "*" }, /not supported with, or without, Principal/],
    ["an unknown effect", { Effect: "deny" }, /Effect is neither Allow nor Deny/],
    ["no action", { Action: [] }, /Action is not a list of/],
    ["a resource that is not a string", { Resource: [1] }, /Resource is not a list of/],
  ] as const) {
    it(`refuses ${problem}`, async () => {
      await assert.rejects(evaluateWith(change), message);
    });
  }

  for (const [problem, document, message] of [
    ["another version", { Version: "2008-10-17", Statement: [] }, /not a document of version 2012-10-17/],
    ["no statement", { Version: "2012-10-17" }, /not a document of version 2012-10-17/],
    [
      "a statement without resources",
      documentOf([{ Effect: "Allow", Action: "*" }]),
      /not supported with, or without, Resource/,
    ],
  ] as const) {
    it(`refuses a document with ${problem}`, async () => {
      await assert.rejects(evaluateWith({}, document), message);
    });
  }
});
