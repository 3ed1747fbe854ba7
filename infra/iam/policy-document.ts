/** Parts that the IAM, bucket, topic, queue and key policies share. */
import type { PolicyDocument, PolicyStatement } from "@pulumi/aws/iam/index.js";
import type * as pulumi from "@pulumi/pulumi";

/** Returns a policy document with these statements. */
export function policyDocument(statements: pulumi.Input<pulumi.Input<PolicyStatement>[]>): PolicyDocument {
  return { Version: "2012-10-17", Statement: statements };
}

/** Returns a statement that allows actions on resources, optionally under a condition. */
export function allow(
  Sid: string,
  Action: string | string[],
  Resource: PolicyStatement["Resource"],
  Condition?: PolicyStatement["Condition"],
): PolicyStatement {
  return { Sid, Effect: "Allow", Action, Resource, ...(Condition === undefined ? {} : { Condition }) };
}

/** Returns a statement that denies every principal, of any account, all requests without TLS. */
export function denyWithoutTls(action: string, resources: pulumi.Input<string>[]): PolicyStatement {
  return {
    Sid: "DenyWithoutTls",
    Effect: "Deny",
    Principal: "*",
    Action: action,
    Resource: resources,
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
}
