/** GitHub as an identity provider of the account: workflows show its tokens and take roles, without any key that lasts. */
import * as iam from "@pulumi/aws/iam/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Account } from "./account.ts";
import { policyDocument } from "./policy-document.ts";
import { type Repository, subjectOf } from "./subjects.ts";

const issuer = "token.actions.githubusercontent.com";
/** What a token must be for: the official action asks GitHub for this one. */
const audience = "sts.amazonaws.com";

/** What can be chosen about a {@link GitHubIdentity}. */
export interface GitHubIdentityArgs {
  readonly account: Account;
  readonly repository: Repository;
  /**
   * The provider that the account has already: there can be only one.
   * @default none: it is made
   */
  readonly identityProviderArn?: string | undefined;
}

/** The identity provider, and who may take roles by it. */
export class GitHubIdentity extends pulumi.ComponentResource {
  readonly arn: pulumi.Output<string>;
  private readonly repository: Repository;

  constructor(name: string, args: GitHubIdentityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:bootstrap:GitHubIdentity", name, {}, opts);
    this.repository = args.repository;
    if (args.identityProviderArn === undefined) {
      // No thumbprints: AWS trusts GitHub's certificate by its own list of authorities.
      const provider = new iam.OpenIdConnectProvider(
        name,
        { url: `https://${issuer}`, clientIdLists: [audience] },
        { parent: this },
      );
      // The provider's ARN is its address: known before it is there, so that a preview can judge who is trusted.
      this.arn = pulumi
        .all([args.account.global("iam", `oidc-provider/${issuer}`), provider.urn])
        .apply(([arn]) => arn);
    } else {
      this.arn = pulumi.output(args.identityProviderArn);
    }
    this.registerOutputs({ arn: this.arn });
  }

  /** The trust policy of a role that only the repository's jobs in these GitHub environments take, each by its exact subject. */
  trust(environments: readonly string[]): iam.PolicyDocument {
    return policyDocument([
      {
        Effect: "Allow",
        Principal: { Federated: this.arn },
        Action: "sts:AssumeRoleWithWebIdentity",
        Condition: {
          StringEquals: {
            [`${issuer}:aud`]: audience,
            [`${issuer}:sub`]: environments.map((environment) => subjectOf(this.repository, environment)),
          },
        },
      },
    ]);
  }
}
