/** How an endpoint goes from one configuration to the next: blue/green, rolling, roll back on alarms. */
import type {
  CapacitySize,
  CapacitySizeType,
  DeploymentConfig,
  TrafficRoutingConfigType,
} from "@aws-sdk/client-sagemaker";
import { block, number, set, text } from "./properties.ts";
import type { Inputs } from "./properties.ts";

const size = { type: text({ required: true }), value: number({ required: true }) };

/** The property `deploymentConfig` of an endpoint. */
export const deployment = block({
  autoRollbackConfiguration: block(
    { alarms: set(block({ alarmName: text({ required: true }) })) },
    // Read from the provider's trace: its change replaces the endpoint.
    { forceNew: true },
  ),
  blueGreenUpdatePolicy: block({
    maximumExecutionTimeoutInSeconds: number(),
    terminationWaitInSeconds: number({ default: 0 }),
    trafficRoutingConfiguration: block(
      {
        type: text({ required: true }),
        waitIntervalInSeconds: number({ required: true }),
        canarySize: block(size),
        linearStepSize: block(size),
      },
      { required: true },
    ),
  }),
  rollingUpdatePolicy: block({
    maximumBatchSize: block(size, { required: true }),
    maximumExecutionTimeoutInSeconds: number(),
    rollbackMaximumBatchSize: block(size),
    waitIntervalInSeconds: number({ required: true }),
  }),
});

type Deployment = NonNullable<Inputs<{ deploymentConfig: typeof deployment }>["deploymentConfig"]>;
interface Size {
  readonly type: string;
  readonly value: number;
}

function toSize({ type, value }: Size): CapacitySize {
  return { Type: type as CapacitySizeType, Value: value };
}

function fromSize(size: CapacitySize | undefined) {
  return size && { type: size.Type, value: size.Value };
}

/** As SageMaker wants it. */
export function toDeployment(given: Deployment): DeploymentConfig {
  const { autoRollbackConfiguration: rollback, blueGreenUpdatePolicy: green, rollingUpdatePolicy: rolling } = given;
  const routing = green?.trafficRoutingConfiguration;
  return {
    AutoRollbackConfiguration: rollback && {
      Alarms: rollback.alarms?.map(({ alarmName }) => ({ AlarmName: alarmName })),
    },
    BlueGreenUpdatePolicy: green && {
      MaximumExecutionTimeoutInSeconds: green.maximumExecutionTimeoutInSeconds,
      TerminationWaitInSeconds: green.terminationWaitInSeconds,
      TrafficRoutingConfiguration: routing && {
        Type: routing.type as TrafficRoutingConfigType,
        WaitIntervalInSeconds: routing.waitIntervalInSeconds,
        CanarySize: routing.canarySize && toSize(routing.canarySize),
        LinearStepSize: routing.linearStepSize && toSize(routing.linearStepSize),
      },
    },
    RollingUpdatePolicy: rolling && {
      MaximumBatchSize: toSize(rolling.maximumBatchSize),
      MaximumExecutionTimeoutInSeconds: rolling.maximumExecutionTimeoutInSeconds,
      RollbackMaximumBatchSize: rolling.rollbackMaximumBatchSize && toSize(rolling.rollbackMaximumBatchSize),
      WaitIntervalInSeconds: rolling.waitIntervalInSeconds,
    },
  };
}

/** As the program writes it. */
export function fromDeployment(got: DeploymentConfig) {
  const { AutoRollbackConfiguration: rollback, BlueGreenUpdatePolicy: green, RollingUpdatePolicy: rolling } = got;
  const routing = green?.TrafficRoutingConfiguration;
  return {
    autoRollbackConfiguration: rollback && {
      alarms: rollback.Alarms?.map(({ AlarmName }) => ({ alarmName: AlarmName })),
    },
    blueGreenUpdatePolicy: green && {
      maximumExecutionTimeoutInSeconds: green.MaximumExecutionTimeoutInSeconds,
      terminationWaitInSeconds: green.TerminationWaitInSeconds ?? 0,
      trafficRoutingConfiguration: routing && {
        type: routing.Type,
        waitIntervalInSeconds: routing.WaitIntervalInSeconds,
        canarySize: fromSize(routing.CanarySize),
        linearStepSize: fromSize(routing.LinearStepSize),
      },
    },
    rollingUpdatePolicy: rolling && {
      maximumBatchSize: fromSize(rolling.MaximumBatchSize),
      maximumExecutionTimeoutInSeconds: rolling.MaximumExecutionTimeoutInSeconds,
      rollbackMaximumBatchSize: fromSize(rolling.RollbackMaximumBatchSize),
      waitIntervalInSeconds: rolling.WaitIntervalInSeconds,
    },
  };
}
