/** Tests the policy on the trust policies of roles. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { account, document } from "./testing/documents.ts";
import { policyTests } from "./testing/policy-tests.ts";
import { unknownString, violations } from "./testing/evaluate.ts";
import type { TestResource } from "./testing/evaluate.ts";
import { trustedPrincipals } from "./trust.ts";

const trust = {
  Effect: "Allow",
  Principal: { Service: "sagemaker.amazonaws.com" },
  Action: "sts:AssumeRole",
  Condition: { StringEquals: { "aws:SourceAccount": account } },
};

function role(change: object): TestResource {
  return {
    type: "aws:iam/role:Role",
    name: "execution",
    props: { assumeRolePolicy: document({ ...trust, ...change }) },
  };
}

const anyAccount =
  /'execution', statement 1 trusts sagemaker\.amazonaws\.com acting for any account.*aws:SourceAccount/;
const root = { AWS: `arn:aws:iam::${account}:root` };

policyTests(trustedPrincipals, {
  good: role({}),
  passes: {
    "a source's bucket": role({ Condition: { StringEquals: { "aws:SourceArn": "arn:aws:s3:::videos" } } }),
    "a source's account, if the service names one": role({
      Condition: { StringEqualsIfExists: { "aws:SourceAccount": account } },
    }),
    "a source's ARN": role({ Condition: { ArnLike: { "aws:SourceArn": `arn:aws:sagemaker:us-east-1:${account}:*` } } }),
  },
  refuses: {
    "a service for any account": [role({ Condition: undefined }), anyAccount],
    "a condition on something else": [role({ Condition: { StringEquals: { "sts:ExternalId": "x" } } }), anyAccount],
    "a condition that all accounts meet": [
      role({ Condition: { StringLike: { "aws:SourceAccount": "*" } } }),
      anyAccount,
    ],
    "every account but one": [role({ Condition: { StringNotEquals: { "aws:SourceAccount": account } } }), anyAccount],
    "every account, if the request names one": [
      role({ Condition: { StringLikeIfExists: { "aws:SourceAccount": "*" } } }),
      anyAccount,
    ],
    "one account and all others, if the request names one": [
      role({ Condition: { StringLikeIfExists: { "aws:SourceAccount": [account, "*"] } } }),
      anyAccount,
    ],
    "no account, if the request names one": [
      role({ Condition: { StringEqualsIfExists: { "aws:SourceAccount": [] } } }),
      anyAccount,
    ],
    "a principal's account, if the request names one": [
      role({ Condition: { StringEqualsIfExists: { "aws:PrincipalAccount": account } } }),
      anyAccount,
    ],
    "no values but one account": [
      role({ Condition: { "ForAllValues:StringEquals": { "aws:SourceAccount": account } } }),
      anyAccount,
    ],
    "a source that is not named": [role({ Condition: { Null: { "aws:SourceArn": "true" } } }), anyAccount],
    "one account, and all others": [
      role({ Condition: { StringLike: { "aws:SourceAccount": [account, "*"] } } }),
      anyAccount,
    ],
    "no account at all": [role({ Condition: { StringEquals: { "aws:SourceAccount": [] } } }), anyAccount],
    "a principal's account instead of a source's": [
      role({ Condition: { StringEquals: { "aws:PrincipalAccount": account } } }),
      anyAccount,
    ],
    "sources of all accounts": [
      role({ Condition: { ArnLike: { "aws:SourceArn": "arn:aws:sagemaker:*:*:*" } } }),
      anyAccount,
    ],
    "an account that a wildcard may jump over": [
      role({ Condition: { StringLike: { "aws:SourceArn": `arn:aws:sagemaker:*:${account}:*` } } }),
      anyAccount,
    ],
    "all buckets with a prefix": [
      role({ Condition: { ArnLike: { "aws:SourceArn": "arn:aws:s3:::videos-*" } } }),
      anyAccount,
    ],
    "an account": [
      role({ Principal: root }),
      /trusts arn:aws:iam::123456789012:root\. Remove it\. If it is intended,.* add it to principals/,
    ],
    everyone: [role({ Principal: "*" }), /trusts \*/],
    "an identity provider": [role({ Principal: { Federated: "token.example.com" } }), /trusts token\.example\.com/],
    "everyone except some": [
      role({ Principal: undefined, NotPrincipal: root }),
      /Set Principal instead of NotPrincipal/,
    ],
    "an invalid document": [{ ...role({}), props: { assumeRolePolicy: "{}" } }, /no readable policy document/],
  },
  unknown: { ...role({}), props: { assumeRolePolicy: unknownString } },
});

describe("trusted-principals", () => {
  it("reads further principals from the config", async () => {
    assert.deepEqual(await violations(trustedPrincipals, role({ Principal: root }), { principals: [root.AWS] }), []);
  });
});

describe("trusted-principals, for an identity provider in the config", () => {
  const issuer = "token.actions.githubusercontent.com";
  const provider = `arn:aws:iam::${account}:oidc-provider/${issuer}`;
  const config = { principals: [provider, `arn:aws:iam::${account}:saml-provider/people`, "accounts.google.com"] };
  const federated = (condition: object | undefined, by = provider): TestResource =>
    role({ Principal: { Federated: by }, Action: "sts:AssumeRoleWithWebIdentity", Condition: condition });
  const subject = "repo:team/videos:environment:prod";

  for (const [what, resource] of Object.entries({
    "one subject": federated({ StringEquals: { [`${issuer}:sub`]: subject, [`${issuer}:aud`]: "sts.amazonaws.com" } }),
    "several subjects": federated({ StringEquals: { [`${issuer}:sub`]: [subject, "repo:team/videos:pull_request"] } }),
    "one person of a SAML provider": federated(
      { StringEquals: { "SAML:sub": "someone" } },
      `arn:aws:iam::${account}:saml-provider/people`,
    ),
    "one person of a public provider": federated(
      { StringEquals: { "accounts.google.com:sub": "1234" } },
      "accounts.google.com",
    ),
  })) {
    it(`accepts ${what}`, async () => {
      assert.deepEqual(await violations(trustedPrincipals, resource, config), []);
    });
  }

  for (const [what, condition] of Object.entries({
    "no condition": undefined,
    "only the audience": { StringEquals: { [`${issuer}:aud`]: "sts.amazonaws.com" } },
    "a pattern of subjects": { StringLike: { [`${issuer}:sub`]: "repo:team/*" } },
    "subjects compared as a pattern": { StringLike: { [`${issuer}:sub`]: subject } },
    "a wildcard in a subject": { StringEquals: { [`${issuer}:sub`]: "repo:team/*" } },
    "one subject and a wildcard": { StringEquals: { [`${issuer}:sub`]: [subject, "*"] } },
    "the token's own subject": { StringEquals: { [`${issuer}:sub`]: `\${${issuer}:sub}` } },
    "all subjects but one": { StringNotEquals: { [`${issuer}:sub`]: subject } },
    "a subject, if there is one": { StringEqualsIfExists: { [`${issuer}:sub`]: subject } },
    "another provider's subject": { StringEquals: { "accounts.google.com:sub": subject } },
  })) {
    it(`refuses ${what}`, async () => {
      const [message, ...others] = await violations(trustedPrincipals, federated(condition), config);
      assert.match(
        message ?? "",
        /trusts every identity of arn:.*\. Set Condition to StringEquals on the provider's sub/,
      );
      assert.deepEqual(others, []);
    });
  }
});
