/** The roles that workflows take to deploy one environment, and to preview it. */
import * as iam from "@pulumi/aws/iam/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Account } from "./account.ts";
import type { Environment } from "./environments.ts";
import type { GitHubIdentity } from "./github-identity.ts";
import { identityPermissions, inferencePermissions, storagePermissions } from "./deploy-permissions.ts";
import { policyDocument } from "./policy-document.ts";
import { readPermissions } from "./read-permissions.ts";
import { smokePermissions } from "./smoke-permissions.ts";
import type { StateBackend } from "./state-backend.ts";

/** Seconds that a deployment's credentials are good for: an endpoint's update may take an hour, the smoke test as long. */
const deploySession = 7_200;

/** What can be chosen about an {@link EnvironmentAccess}. */
export interface EnvironmentAccessArgs {
  readonly account: Account;
  readonly environment: Environment;
  readonly identity: GitHubIdentity;
  readonly state: StateBackend;
  /** ARN of the policy that bounds the roles that a deployment makes. */
  readonly boundaryArn: pulumi.Input<string>;
}

/**
 * The role for deployments is taken by jobs of the GitHub environment alone, after its reviewers; the one for previews reads,
 * and is taken by pull requests of the repository's own branches and by main. A fork's jobs get no token at all.
 */
export class EnvironmentAccess extends pulumi.ComponentResource {
  readonly deployRoleArn: pulumi.Output<string>;
  /** Of an environment that is previewed. */
  readonly previewRoleArn: pulumi.Output<string> | undefined;

  constructor(name: string, args: EnvironmentAccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:bootstrap:EnvironmentAccess", name, {}, opts);
    const { environment, identity, state, boundaryArn } = args;
    const policy = (what: string, statements: iam.PolicyStatement[]): iam.Policy =>
      new iam.Policy(`${name}-${what}`, { policy: policyDocument(statements) }, { parent: this });

    // Several, because IAM takes 6,144 characters in each.
    const read = policy("read", readPermissions(args));
    const deploy = this.role(`${name}-deploy`, identity.trust([{ environment: environment.name }]), deploySession, [
      read,
      policy("state", state.toDeploy(environment)),
      policy("storage", storagePermissions(args)),
      policy("inference", inferencePermissions(args)),
      policy("identity", identityPermissions(args, boundaryArn)),
      policy("smoke", smokePermissions(args)),
    ]);
    this.deployRoleArn = deploy.arn;
    this.previewRoleArn = environment.previewed
      ? this.role(`${name}-preview`, identity.trust(["pull request", { branch: "main" }]), undefined, [
          read,
          policy("state-read", state.toPreview(environment)),
        ]).arn
      : undefined;
    this.registerOutputs({ deployRoleArn: this.deployRoleArn, previewRoleArn: this.previewRoleArn });
  }

  private role(
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
