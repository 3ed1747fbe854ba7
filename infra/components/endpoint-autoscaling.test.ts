/** Tests the resources of the scaling and the references between them. `scaling.test.ts` tests their properties. */
import assert from "node:assert/strict";
import { before, describe, it } from "mocha";
import * as pulumi from "@pulumi/pulumi";
import * as sagemaker from "@pulumi/aws/sagemaker/index.js";
import { EndpointAutoscaling } from "./endpoint-autoscaling.ts";
import type { EndpointAutoscalingArgs } from "./endpoint-autoscaling.ts";
import { scalingOf } from "../scaling.ts";
import { scalingSettings as settings } from "../testing/scaling-settings.ts";
import { registrationsOf } from "../testing/registrations.ts";
import type { Registrations } from "../testing/registrations.ts";

const targetType = "aws:appautoscaling/target:Target";
const policyType = "aws:appautoscaling/policy:Policy";
const alarmType = "aws:cloudwatch/metricAlarm:MetricAlarm";
const actionType = "aws:appautoscaling/scheduledAction:ScheduledAction";

const names = { endpointName: "detector-0a1b2c3", variantName: "AllTraffic" };
const defined = scalingOf(settings, names);

async function scaling(args: Partial<EndpointAutoscalingArgs> = {}): Promise<Registrations> {
  const { registrations } = await registrationsOf(() => {
    const { name: endpointName } = new sagemaker.Endpoint("detector", { endpointConfigName: "config" });
    const { output } = new pulumi.Stash("replacementTrigger", { input: "ml.g4dn.xlarge" });
    const replacementTrigger = output.apply(String);
    new EndpointAutoscaling("clips", { endpointName, variantName: "AllTraffic", replacementTrigger, ...args });
  });
  return registrations;
}

describe("EndpointAutoscaling", () => {
  let registrations: Registrations;

  before(async () => {
    registrations = await scaling();
  });

  it("scales the endpoint's variant between zero and five instances, with AWS's service-linked role", () => {
    assert.deepEqual(registrations.one(targetType).inputs, {
      serviceNamespace: "sagemaker",
      scalableDimension: "sagemaker:variant:DesiredInstanceCount",
      resourceId: "endpoint/detector-0a1b2c3/variant/AllTraffic",
      minCapacity: 0,
      maxCapacity: 5,
    });
  });

  it("registers the target after its endpoint, so that a destroy deregisters it first", () => {
    const endpoint = registrations.one("aws:sagemaker/endpoint:Endpoint");
    assert.ok(registrations.one(targetType).dependencies.includes(endpoint.urn));
  });

  it("makes the target depend on the replacement trigger, so that the target is deleted first", () => {
    const replacementTrigger = registrations.one("pulumi:index:Stash");
    const { propertyDependencies } = registrations.one(targetType);
    assert.ok(propertyDependencies["resourceId"]?.includes(replacementTrigger.urn));
  });

  it("has the policies of the settings' scaling", () => {
    const { resourceId } = registrations.one(targetType).inputs;
    const { serviceNamespace, scalableDimension } = registrations.one(targetType).inputs;
    for (const [name, definition] of [
      ["clips-backlog", defined.policies.backlog],
      ["clips-from-zero", defined.policies.fromZero],
      ["clips-from-zero-retry", defined.policies.fromZeroRetry],
      ["clips-to-zero", defined.policies.toZero],
    ] as const) {
      assert.deepEqual(registrations.one(policyType, name).inputs, {
        serviceNamespace,
        scalableDimension,
        resourceId,
        ...definition,
      });
    }
    assert.equal(registrations.ofType(policyType).length, 4);
  });

  it("has the alarms of the settings' scaling, each of which runs only its policy", () => {
    for (const [name, definition, policy] of [
      ["clips-from-zero", defined.alarms.fromZero, "clips-from-zero"],
      ["clips-from-zero-retry", defined.alarms.fromZeroRetry, "clips-from-zero-retry"],
      ["clips-idle", defined.alarms.idle, "clips-to-zero"],
      ["clips-mostly-idle", defined.alarms.mostlyIdle, "clips-to-zero"],
    ] as const) {
      const { inputs, dependencies } = registrations.one(alarmType, name);
      const alarmActions = [`arn:aws:appautoscaling:eu-west-1:123456789012:${policy}-0a1b2c3`];
      assert.deepEqual(inputs, { ...definition?.alarm, alarmActions });
      assert.ok(dependencies.includes(registrations.one(policyType, policy).urn));
    }
    assert.equal(registrations.ofType(alarmType).length, 4);
  });

  it("scales in only by target tracking if that is chosen", async () => {
    const tracking = await scaling({ scaleIn: "tracking" });
    const { policies } = scalingOf({ ...settings, scaleIn: "tracking" }, names);
    const policyNames = tracking.ofType(policyType).map(({ name }) => name);
    assert.deepEqual(policyNames.toSorted(), ["clips-backlog", "clips-from-zero", "clips-from-zero-retry"]);
    assert.partialDeepStrictEqual(tracking.one(policyType, "clips-backlog").inputs, policies.backlog);
    assert.equal(tracking.ofType(alarmType).length, 2);
  });

  it("has scheduled actions on the target only with a warm window", async () => {
    assert.deepEqual(registrations.ofType(actionType), []);
    const warmWindow = { days: "MON-FRI", start: "08:00", end: "18:00", timeZone: "Europe/Berlin", instances: 1 };
    const warm = await scaling({ warmWindow });
    const target = warm.one(targetType);
    const { scheduledActions } = scalingOf({ ...settings, warmWindow }, names);
    for (const [name, definition] of [
      ["clips-warm-start", scheduledActions.warmStart],
      ["clips-warm-end", scheduledActions.warmEnd],
    ] as const) {
      const action = warm.one(actionType, name);
      assert.partialDeepStrictEqual(action.inputs, { ...definition, resourceId: target.inputs["resourceId"] });
      assert.ok(action.dependencies.includes(target.urn));
    }
  });

  it("attaches every policy to the target, so that they are deleted before it", () => {
    const target = registrations.one(targetType);
    for (const policy of registrations.ofType(policyType)) {
      assert.ok(policy.dependencies.includes(target.urn), policy.name);
      assert.equal(policy.inputs["resourceId"], target.inputs["resourceId"]);
    }
  });

  it("accepts other bounds, targets and cooldowns", async () => {
    const changes = { minCapacity: 1, maxCapacity: 2, backlogTarget: 3, scaleInCooldown: 4, scaleOutCooldown: 5 };
    const other = await scaling({ ...changes, idleMinutes: 9 });
    const { target, policies, alarms } = scalingOf({ ...settings, ...changes, idleMinutes: 9 }, names);
    assert.partialDeepStrictEqual(other.one(targetType).inputs, target);
    assert.partialDeepStrictEqual(other.one(policyType, "clips-backlog").inputs, policies.backlog);
    assert.partialDeepStrictEqual(other.one(policyType, "clips-from-zero").inputs, policies.fromZero);
    assert.partialDeepStrictEqual(other.one(alarmType, "clips-mostly-idle").inputs, alarms.mostlyIdle?.alarm);
  });
});
