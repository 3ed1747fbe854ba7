/** Parts that the stack's IAM, bucket, topic and queue policies share. */
import type { PolicyDocument, PolicyStatement } from "@pulumi/aws/iam/index.js";
import type * as pulumi from "@pulumi/pulumi";

/** Returns a policy document with these statements. */
export function policyDocument(statements: PolicyStatement[]): PolicyDocument {
  return { Version: "2012-10-17", Statement: statements };
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
