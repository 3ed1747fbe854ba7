/** Parts that the bootstrap's policy documents share. */
import type { PolicyDocument, PolicyStatement } from "@pulumi/aws/iam/index.js";
import type * as pulumi from "@pulumi/pulumi";

/** Returns a policy document with these statements. */
export function policyDocument(statements: PolicyStatement[]): PolicyDocument {
  return { Version: "2012-10-17", Statement: statements };
}

/** Returns a statement that allows actions on resources, optionally under a condition. */
export function allow(
  Sid: string,
  Action: string[],
  Resource: pulumi.Input<string> | pulumi.Input<string>[],
  Condition?: PolicyStatement["Condition"],
): PolicyStatement {
  return { Sid, Effect: "Allow", Action, Resource, ...(Condition === undefined ? {} : { Condition }) };
}
