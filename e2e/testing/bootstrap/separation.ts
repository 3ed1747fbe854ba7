/** Finds the calls that the roles of one environment may make on given resources. */
import type { Environment } from "../../../infra/bootstrap/environments.ts";
import { unlimitedActions } from "../../../infra/bootstrap/unlimited-actions.ts";
import type { BootstrappedAccount, Role } from "./account.ts";
import { evaluate } from "./evaluator.ts";
import type { Question, Resource } from "./evaluator.ts";

/** Condition keys whose values a caller chooses in the request. Those of tags and aliases depend on the resource. */
export const chosenKeys = [
  "application-autoscaling:service-namespace",
  "iam:AWSServiceName",
  "iam:PassedToService",
  "iam:PermissionsBoundary",
  "iam:PolicyARN",
  "sns:Endpoint",
  "sns:Protocol",
];

/** A call that a role may make. */
export interface Reached {
  readonly role: string;
  readonly action: string;
  readonly arn: string;
}

const serviceOf = (arn: string): string => arn.split(":")[2] ?? "";

/** Returns a question for each service of the resources, with the actions of that service. */
export function questionsAbout(role: Role, actions: readonly string[], resources: readonly Resource[]): Question[] {
  return [...new Set(resources.map(({ arn }) => serviceOf(arn)))].map((service) => ({
    principal: role.arn,
    policies: role.policies,
    boundary: role.boundary,
    actions: actions.filter((action) => action.startsWith(`${service}:`)),
    resources: resources.filter(({ arn }) => serviceOf(arn) === service),
    context: {},
    free: chosenKeys,
  }));
}

/** Returns all calls that an environment's roles may make on resources, with any values that they choose in the request. */
export async function reach(
  account: BootstrappedAccount,
  environment: Environment,
  resources: readonly Resource[],
): Promise<Reached[]> {
  const questions = account
    .rolesOf(environment)
    .flatMap((role) =>
      questionsAbout(role, account.actionsOf(role), resources).map((question) => ({ role: role.name, question })),
    );
  const answers = await evaluate({
    policies: account.policies,
    keyPolicies: account.keyPolicies,
    questions: questions.map(({ question }) => question),
  });
  return questions.flatMap(({ role }, index) => (answers[index] ?? []).map(([action, arn]) => ({ role, action, arn })));
}

/** Unlimited actions that may reach other environments' resources: those without a condition. */
export const openActions: readonly string[] = Object.values(unlimitedActions).flatMap((group) =>
  "conditional" in group ? [] : group.actions,
);
