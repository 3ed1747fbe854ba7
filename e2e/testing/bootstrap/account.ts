/** The resources of a bootstrapped account: those of each environment's stack, of the bootstrap, and of another team. */
import { statements } from "../../../infra/testing/documents.ts";
import { accountId, region } from "../../../infra/testing/registrations.ts";
import type { Registrations } from "../../../infra/testing/registrations.ts";
import { environments } from "../../../infra/bootstrap/environments.ts";
import type { Environment } from "../../../infra/bootstrap/environments.ts";
import type { Resource } from "./evaluator.ts";
import { boundaryOf, policiesOf } from "../../../infra/bootstrap/testing/registered.ts";

/** A role, with the names of the documents that decide its permissions. */
export interface Role {
  readonly name: string;
  readonly arn: string;
  readonly policies: readonly string[];
  readonly boundary: string | null;
}

const regional = (service: string, resource: string): string => `arn:aws:${service}:${region}:${accountId}:${resource}`;
const global = (service: string, resource: string): string => `arn:aws:${service}::${accountId}:${resource}`;

/** Condition keys that depend on the resource, for a resource with neither a tag nor an alias. */
const noContext = { "aws:ResourceTag/stack": null, "kms:RequestAlias": null };

function resource(arn: string, context: Resource["context"] = {}, keyPolicy: string | null = null): Resource {
  return { arn, context: { ...noContext, ...context }, keyPolicy };
}

/** Returns the name of a stack of an environment. */
export const stackOf = ({ stack }: Environment): string => stack.replace("*", "7");

/** Returns the resources of a stack, without its key. `prefix` starts their names; `tag` is the value of their tag `stack`. */
export function stackResources(prefix: string, tag: string | null): Resource[] {
  const endpoint = `${prefix}-endpoint-0a1b2c3`;
  const logGroup = `log-group:/aws/sagemaker/Endpoints/${endpoint}`;
  return [
    ...[
      "input-0a1b2c3",
      "input-0a1b2c3/input/0f/street.mp4",
      "input-0a1b2c3/models/0f/model.tar.gz",
      "output-0a1b2c3",
      "output-0a1b2c3/results/1.out",
      "output-0a1b2c3/failures/1.out",
    ].map((name) => `arn:aws:s3:::${prefix}-${name}`),
    ...["success", "error", "operations"].map((kind) => regional("sns", `${prefix}-${kind}-0a1b2c3`)),
    ...["success", "error", "success-dead-letters", "smoke"].map((kind) =>
      regional("sqs", `${prefix}-${kind}-0a1b2c3`),
    ),
    ...["execution", "caller"].map((kind) => global("iam", `role/${prefix}-${kind}-0a1b2c3`)),
    ...["caller", "operator"].map((kind) => global("iam", `policy/${prefix}-${kind}-0a1b2c3`)),
    ...["endpoint", "endpoint-config", "model"].map((kind) => regional("sagemaker", `${kind}/${endpoint}`)),
    regional("cloudwatch", `alarm:${prefix}-failures-0a1b2c3`),
    regional("cloudwatch", `alarm:TargetTracking-endpoint/${endpoint}/variant/main-AlarmHigh-0a1b2c3d`),
    global("cloudwatch", `dashboard/${endpoint}`),
    regional("logs", logGroup),
    regional("logs", `${logGroup}:log-stream:main/i-0a1b2c3d`),
  ]
    .map((arn) => resource(arn))
    .concat(
      resource(regional("application-autoscaling", "scalable-target/0a1b2c3d"), { "aws:ResourceTag/stack": tag }),
    );
}

/** Resources outside all environments that unlimited actions reach. */
export const sharedResources: readonly Resource[] = [
  resource(regional("ecr", "repository/team")),
  ...["network-interface/eni-1", "subnet/subnet-1", "security-group/sg-1", "vpc/vpc-1"].map((each) =>
    resource(regional("ec2", each)),
  ),
  resource(regional("kms", "key/aws-managed-key-of-s3"), { "kms:RequestAlias": "alias/aws/s3" }, "team"),
  resource(
    global(
      "iam",
      "role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
    ),
  ),
];

/** Returns the resources of another team in the account: with the team's names and tags, and a key without tags. */
export function teamResources(): Resource[] {
  return [
    ...stackResources("team", "team"),
    resource("arn:aws:s3:::team-data"),
    resource(regional("kms", "key/team"), {}, "team"),
    resource(regional("kms", "alias/team")),
    resource(global("iam", "role/admin")),
    resource(global("iam", "policy/admin")),
    resource("arn:aws:iam::aws:policy/AdministratorAccess"),
  ];
}

/** The policy of the team's key: KMS's default, which leaves access to IAM policies. */
export const teamKeyPolicy = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { AWS: global("iam", "root") }, Action: "kms:*", Resource: "*" }],
};

/** A bootstrapped account: documents, roles and resources by environment. */
export class BootstrappedAccount {
  readonly policies: Record<string, unknown> = {
    // The widest policy that a deployment may give to a role that it creates.
    everything: { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] },
  };
  readonly keyPolicies: Record<string, unknown> = { team: teamKeyPolicy };
  readonly #registrations: Registrations;

  constructor(registrations: Registrations) {
    this.#registrations = registrations;
    for (const { name } of Object.values(environments)) {
      for (const role of ["deploy", "preview"]) {
        for (const [index, document] of policiesOf(registrations, `async-video-${name}-${role}`).entries()) {
          this.policies[`${name}-${role}-${index}`] = document;
        }
      }
      this.policies[`${name}-boundary`] = boundaryOf(registrations, name);
      for (const kind of ["data", "state"]) {
        const { inputs } = registrations.one("aws:kms/key:Key", `async-video-${name}-${kind}`);
        this.keyPolicies[`${name}-${kind}`] = JSON.parse(String(inputs["policy"]));
      }
    }
  }

  /** Returns the roles of an environment: for deployments, for previews, and one that a deployment creates. */
  rolesOf(environment: Environment): Role[] {
    const { name } = environment;
    const workflows = ["deploy", "preview"].flatMap((kind) => {
      const policies = Object.keys(this.policies).filter((each) => each.startsWith(`${name}-${kind}-`));
      const arn = global("iam", `role/async-video-${name}-${kind}-0a1b2c3`);
      return policies.length === 0 ? [] : [{ name: `${name}-${kind}`, arn, policies, boundary: null }];
    });
    const created = {
      name: `${name}-created`,
      arn: global("iam", `role/video-${stackOf(environment)}-created-0a1b2c3`),
      policies: ["everything"],
      boundary: `${name}-boundary`,
    };
    return [...workflows, created];
  }

  /** Returns the ARN of an environment's key. */
  keyArn({ name }: Environment, kind: "data" | "state"): string {
    return regional("kms", `async-video-${name}-${kind}-0a1b2c3`);
  }

  /** Returns the resources that an environment's roles use: its stack, its keys and its state. */
  ownResources(environment: Environment): Resource[] {
    const { name } = environment;
    const stack = stackOf(environment);
    const key = (kind: "data" | "state", alias: string) =>
      resource(this.keyArn(environment, kind), { "kms:RequestAlias": alias }, `${name}-${kind}`);
    const bucket = `arn:aws:s3:::async-video-${name}-state-0a1b2c3`;
    return [
      ...stackResources(`video-${stack}`, stack),
      key("data", `alias/async-video-${name}`),
      key("state", `alias/async-video-${name}-state`),
      resource(bucket),
      resource(`${bucket}/${name}/.pulumi/stacks/async-video-inference/${stack}.json`),
    ];
  }

  /** Returns the resources that the bootstrap created for an environment, and that no workflow may change. */
  bootstrapResources({ name }: Environment): Resource[] {
    const managed = this.#registrations.ofType("aws:iam/policy:Policy").map((policy) => policy.name);
    return [
      ...["deploy", "preview"].map((kind) => global("iam", `role/async-video-${name}-${kind}-0a1b2c3`)),
      ...managed
        .filter((policy) => policy.startsWith(`async-video-${name}-`))
        .map((policy) => global("iam", `policy/${policy}-0a1b2c3`)),
      ...["", "-state"].map((suffix) => regional("kms", `alias/async-video-${name}${suffix}`)),
      `arn:aws:s3:::async-video-${name}-state-0a1b2c3/bootstrap/.pulumi/stacks/async-video-bootstrap/account.json`,
    ].map((arn) => resource(arn));
  }

  /**
   * Returns all actions that a role's documents allow, sorted.
   * @throws Error if an action has a wildcard, which stands for unknown actions
   */
  actionsOf(role: Role): string[] {
    const names = role.boundary === null ? role.policies : [role.boundary];
    const actions = names.flatMap((name) =>
      statements(this.policies[name]).flatMap(({ Effect, Action }) => (Effect === "Allow" ? Action : [])),
    );
    const wildcard = actions.find((action) => action.includes("*"));
    if (wildcard !== undefined)
      throw new Error(`${role.name} allows ${wildcard}. Replace the wildcard by the names of actions.`);
    return [...new Set(actions)].sort();
  }
}
