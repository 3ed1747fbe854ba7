/** The roles that workflows assume to deploy one environment, and to preview it. */
import * as iam from "@pulumi/aws/iam/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { GitHubIdentity } from "./github-identity.ts";
import { identityPermissions, inferencePermissions, storagePermissions } from "./deploy-permissions.ts";
import { policyDocument } from "../iam/policy-document.ts";
import { readPermissions } from "./read-permissions.ts";
import type { Scope } from "./scope.ts";
import { smokePermissions } from "./smoke-permissions.ts";
import type { StateBackend } from "./state-backend.ts";

/** Validity of a deployment's credentials in seconds: an endpoint's update may take an hour, and the smoke test another. */
const deploySession = 7_200;

/** GitHub environment of the jobs that preview. It has no reviewers: its jobs run for every pull request from the repository's branches. */
const previewEnvironment = "preview";

/** Arguments of an {@link EnvironmentAccess}. */
export interface EnvironmentAccessArgs extends Scope {
  readonly identity: GitHubIdentity;
  readonly state: StateBackend;
  /** ARN of the permissions boundary of the roles that a deployment creates. */
  readonly boundaryArn: pulumi.Input<string>;
}

/**
 * A deployment role, which jobs of its GitHub environments assume, and a read-only preview role, which jobs of the GitHub
 * environment `preview` assume. A fork's jobs get no token.
 */
export class EnvironmentAccess extends pulumi.ComponentResource {
  /** ARN of the role for deployments. */
  readonly deployRoleArn: pulumi.Output<string>;
  /** ARN of the role for previews, if the environment is previewed. */
  readonly previewRoleArn: pulumi.Output<string> | undefined;

  constructor(name: string, args: EnvironmentAccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:bootstrap:EnvironmentAccess", name, {}, opts);
    const { environment, identity, state, boundaryArn } = args;
    const policy = (what: string, statements: iam.PolicyStatement[]): iam.Policy =>
      new iam.Policy(`${name}-${what}`, { policy: policyDocument(statements) }, { parent: this });

    // Several, because IAM limits each to 6,144 characters.
    const read = policy("read", readPermissions(args));
    const deploy = this.#role(`${name}-deploy`, identity.trust(environment.trustedGitHubEnvironments), deploySession, [
      read,
      policy("state", state.toDeploy()),
      policy("storage", storagePermissions(args)),
      policy("inference", inferencePermissions(args)),
      policy("identity", identityPermissions(args, boundaryArn)),
      policy("smoke", smokePermissions(args)),
    ]);
    this.deployRoleArn = deploy.arn;
    this.previewRoleArn = environment.previewed
      ? this.#role(`${name}-preview`, identity.trust([previewEnvironment]), undefined, [
          read,
          policy("state-read", state.toPreview()),
        ]).arn
      : undefined;
    this.registerOutputs({ deployRoleArn: this.deployRoleArn, previewRoleArn: this.previewRoleArn });
  }

  #role(
    name: string,
    trust: iam.PolicyDocument,
    maxSessionDuration: number | undefined,
    policies: readonly iam.Policy[],
  ): iam.Role {
    const role = new iam.Role(
      name,
      { assumeRolePolicy: trust, ...(maxSessionDuration === undefined ? {} : { maxSessionDuration }) },
      { parent: this },
    );
    for (const [index, policy] of policies.entries()) {
      new iam.RolePolicyAttachment(`${name}-${index}`, { role: role.name, policyArn: policy.arn }, { parent: this });
    }
    return role;
  }
}
