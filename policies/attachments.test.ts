/** Tests the policy on attached policies. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ownPoliciesOnly } from "./attachments.ts";
import { policyTests, withProps } from "./testing/policy-tests.ts";
import { account } from "./testing/documents.ts";
import { reports, unknownString, urnOf, violations } from "./testing/evaluate.ts";
import type { TestResource } from "./testing/evaluate.ts";

const administrator = "arn:aws:iam::aws:policy/AdministratorAccess";
const caller: TestResource = {
  type: "aws:iam/policy:Policy",
  name: "caller",
  props: { arn: `arn:aws:iam::${account}:policy/caller` },
};
const attachment: TestResource = {
  type: "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
  name: "caller",
  props: { policyArn: caller.props["arn"] },
  dependsOn: { policyArn: [urnOf(caller)] },
};
const role: TestResource = {
  type: "aws:iam/role:Role",
  name: "caller",
  props: { managedPolicyArns: [caller.props["arn"]] },
  dependsOn: { managedPolicyArns: [urnOf(caller)] },
};
const foreign = /'caller' attaches arn:aws:iam::.*, which is not a policy of this stack\. Set /;
const unknownCaller = withProps(caller, { arn: unknownString });

policyTests(ownPoliciesOnly, {
  good: [caller, attachment, role],
  passes: {
    "a first preview": [
      unknownCaller,
      withProps(attachment, { policyArn: unknownString }),
      withProps(role, { managedPolicyArns: unknownString }),
    ],
    "a role without managed policies": [withProps(role, { managedPolicyArns: undefined })],
    "a policy that bounds a role": [withProps(role, { managedPolicyArns: [], permissionsBoundary: administrator })],
  },
  refuses: {
    "a policy of AWS's": [[caller, withProps(attachment, { policyArn: administrator })], /Set policyArn to/],
    "a policy of AWS's among a role's": [
      [caller, withProps(role, { managedPolicyArns: [caller.props["arn"], administrator] })],
      /attaches arn:aws:iam::aws:policy\/AdministratorAccess.*Set managedPolicyArns to/,
    ],
    "a policy of AWS's next to an unknown one": [
      [unknownCaller, withProps(role, { managedPolicyArns: [unknownString, administrator] })],
      foreign,
    ],
    "a policy of AWS's that the program has read": [
      [withProps(caller, { arn: administrator }), withProps(attachment, { policyArn: administrator })],
      foreign,
    ],
    "a policy of another stack": [
      [caller, withProps(attachment, { policyArn: `arn:aws:iam::${account}:policy/other` })],
      foreign,
    ],
    ...Object.fromEntries(
      ["user", "group"].map((who) => {
        const Who = `${who.charAt(0).toUpperCase()}${who.slice(1)}`;
        const type = `aws:iam/${who}PolicyAttachment:${Who}PolicyAttachment`;
        return [
          `a policy of AWS's on a ${who}`,
          [[{ ...attachment, type, props: { policyArn: administrator } }], foreign],
        ];
      }),
    ),
    "a policy of AWS's on everyone it is attached to": [
      [{ ...attachment, type: "aws:iam/policyAttachment:PolicyAttachment", props: { policyArn: administrator } }],
      foreign,
    ],
    ...Object.fromEntries(
      ["role", "user", "group"].map((who) => {
        const Who = `${who.charAt(0).toUpperCase()}${who.slice(1)}`;
        const type = `aws:iam/${who}PolicyAttachmentsExclusive:${Who}PolicyAttachmentsExclusive`;
        return [`a ${who}'s whole list`, [[{ ...attachment, type, props: { policyArns: [administrator] } }], foreign]];
      }),
    ),
  },
  unknown: [caller, { ...attachment, props: { policyArn: unknownString }, dependsOn: {} }],
});

describe("own-policies-only", () => {
  it("reads further policies from the config", async () => {
    const stack = [withProps(attachment, { policyArn: administrator })];
    assert.deepEqual(await violations(ownPoliciesOnly, stack, { policies: [administrator] }), []);
  });

  it("refuses a known policy, and reports an unknown one in the same list", async () => {
    const stack = [{ ...withProps(role, { managedPolicyArns: [unknownString, administrator] }), dependsOn: {} }];
    const said = await reports([ownPoliciesOnly], stack);
    assert.deepEqual(
      said.map(({ unknown }) => unknown),
      [false, true],
    );
  });
});
