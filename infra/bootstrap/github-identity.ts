/** GitHub as an identity provider of the account: workflows present its tokens and assume roles, without long-lived keys. */
import * as iam from "@pulumi/aws/iam/index.js";
import * as pulumi from "@pulumi/pulumi";
import { globalArn } from "../account.ts";
import type { Account } from "../account.ts";
import { policyDocument } from "../iam/policy-document.ts";
import { githubTokenSubject } from "./github-token-subject.ts";
import type { Repository } from "./github-token-subject.ts";

const issuer = "token.actions.githubusercontent.com";
/** Audience of the tokens: the one that the official action requests. */
const audience = "sts.amazonaws.com";

/** Arguments of a {@link GitHubIdentity}. */
export interface GitHubIdentityArgs {
  readonly account: Account;
  readonly repository: Repository;
  /**
   * ARN of the account's existing provider, if any: there can be only one.
   * @default none: a provider is created
   */
  readonly identityProviderArn?: string | undefined;
}

/** The identity provider, and the trust policies of the roles that its tokens may assume. */
export class GitHubIdentity extends pulumi.ComponentResource {
  /** ARN of the identity provider. */
  readonly arn: pulumi.Output<string>;
  readonly #repository: Repository;

  constructor(name: string, args: GitHubIdentityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:bootstrap:GitHubIdentity", name, {}, opts);
    this.#repository = args.repository;
    if (args.identityProviderArn === undefined) {
      // No thumbprints: AWS trusts GitHub's certificate through its own list of authorities.
      const provider = new iam.OpenIdConnectProvider(
        name,
        { url: `https://${issuer}`, clientIdLists: [audience] },
        { parent: this },
      );
      // The provider's ARN follows from its address, so a preview knows it and policies can evaluate the trust.
      this.arn = pulumi
        .all([globalArn(args.account, "iam", `oidc-provider/${issuer}`), provider.urn])
        .apply(([arn]) => arn);
    } else {
      this.arn = pulumi.output(args.identityProviderArn);
    }
    this.registerOutputs({ arn: this.arn });
  }

  /** Returns the trust policy of a role that only the repository's jobs in these GitHub environments may assume, each by its exact subject. */
  trust(environments: readonly string[]): iam.PolicyDocument {
    return policyDocument([
      {
        Effect: "Allow",
        Principal: { Federated: this.arn },
        Action: "sts:AssumeRoleWithWebIdentity",
        Condition: {
          StringEquals: {
            [`${issuer}:aud`]: audience,
            [`${issuer}:sub`]: environments.map((environment) => githubTokenSubject(this.#repository, environment)),
          },
        },
      },
    ]);
  }
}
