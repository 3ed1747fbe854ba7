/** Inputs of the endpoint's resources that follow from several arguments. */
import type { EndpointArgs } from "@pulumi/aws/sagemaker/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Account } from "../account.ts";
import type { WithDefaults } from "../defaults.ts";
import { endpointNameOf } from "../endpoint-name.ts";
import type { Network } from "../iam/execution-role.ts";
import type { AsyncEndpointArgs } from "./async-endpoint-args.ts";

type Settings = WithDefaults<AsyncEndpointArgs>;

/** Returns the network of the instances. They are in a VPC if they have a subnet. SageMaker then requires a security group too. */
export function networkOf({
  subnetIds,
  securityGroupIds,
}: Pick<Settings, "subnetIds" | "securityGroupIds">): pulumi.Output<Network | undefined> {
  return pulumi
    .all([subnetIds, securityGroupIds])
    .apply(([subnets, groups]) =>
      subnets.length === 0 ? undefined : { subnetIds: subnets, securityGroupIds: groups },
    );
}

/** Returns the endpoint's name in the stack that is being deployed. */
export function endpointNameFor(
  prefix: string,
  account: Account,
  rollbackAlarms: Settings["rollbackAlarms"],
): pulumi.Output<string> {
  const [project, stack] = [pulumi.getProject(), pulumi.getStack()];
  return pulumi
    .all([account.id, account.region, rollbackAlarms])
    .apply(([accountId, region, alarms]) =>
      endpointNameOf({ accountId, region, project, stack, rollbackAlarms: alarms }, prefix),
    );
}

/**
 * Returns the way of an update: blue/green, all at once, with a rollback if an alarm fires. SageMaker does the same without a configuration. The
 * program still sets it: SageMaker returns the configuration of the last deployment, and the provider reports a difference if the program does not
 * set it.
 */
export function deploymentConfig({
  bakeTime,
  rollbackAlarms,
}: Pick<Settings, "bakeTime" | "rollbackAlarms">): EndpointArgs["deploymentConfig"] {
  return {
    blueGreenUpdatePolicy: {
      terminationWaitInSeconds: 0,
      trafficRoutingConfiguration: { type: "ALL_AT_ONCE", waitIntervalInSeconds: bakeTime },
    },
    autoRollbackConfiguration: pulumi
      .output(rollbackAlarms)
      .apply((alarms) => (alarms.length === 0 ? undefined : { alarms: alarms.map((alarmName) => ({ alarmName })) })),
  };
}
