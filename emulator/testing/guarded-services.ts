/** For tests of permissions: the emulator's own services with one tagged resource of each kind. */

import { alarmArn, dashboardArn } from "../services/cloudwatch/identity.ts";
import { errorsAlarm, MonitoringHarness } from "../services/cloudwatch/harness.ts";
import { caller, key, ScalingServiceHarness, target } from "../services/application-autoscaling/harness.ts";
import { SageMaker } from "../services/sagemaker/service.ts";
import type { GuardedService } from "../iam/permission.ts";
import { fakeAws } from "./fake-aws.ts";
import { arn, goodConfig, goodModel } from "./sagemaker-fixture.ts";
import { testAccount, testRegion } from "./test-gateway.ts";

const Tags = [{ Key: "stack", Value: "dev" }];

/** One service with the names and ARNs of its resources. */
export interface GuardedExample {
  readonly service: GuardedService;
  /** Prefix of its actions. */
  readonly prefix: string;
  readonly names: readonly string[];
  readonly arns: readonly string[];
}

/** The services by the name of their API model. */
export interface GuardedExamples extends Readonly<Record<string, GuardedExample>> {
  readonly sagemaker: GuardedExample;
  readonly "sagemaker-runtime": GuardedExample;
  readonly "application-autoscaling": GuardedExample;
  readonly cloudwatch: GuardedExample;
}

/** Creates the services; `stop` ends their instances and clocks. */
export async function guardedServices(): Promise<{ services: GuardedExamples; stop: () => Promise<void> }> {
  const aws = fakeAws();
  const sagemaker = new SageMaker(aws.dependencies);
  const call = caller(sagemaker.control, () => new Date(aws.clock.now()));
  await call("CreateModel", { ...goodModel, Tags });
  await call("CreateEndpointConfig", { ...goodConfig, Tags });
  await call("CreateEndpoint", { EndpointName: "endpoint", EndpointConfigName: "config", Tags });
  const scaling = new ScalingServiceHarness(sagemaker.scalingPermissions);
  await scaling.call("RegisterScalableTarget", { ...target, Tags: { stack: "dev" } });
  scaling.roles.trusted.clear();
  const monitoring = new MonitoringHarness();
  await monitoring.call("PutMetricAlarm", { AlarmName: "alarm", ...errorsAlarm, Tags });
  await monitoring.call("PutDashboard", { DashboardName: "dashboard", DashboardBody: '{"widgets":[]}', Tags });
  const place = { region: testRegion, accountId: testAccount };
  const runtimeExample = { prefix: "sagemaker", names: ["endpoint"], arns: [arn("endpoint", "endpoint")] };
  const services = {
    sagemaker: {
      service: sagemaker.control,
      prefix: "sagemaker",
      names: ["model", "config", "endpoint"],
      arns: [arn("model", "model"), arn("endpoint-config", "config"), arn("endpoint", "endpoint")],
    },
    "sagemaker-runtime": { service: sagemaker.runtime, ...runtimeExample },
    "application-autoscaling": {
      service: scaling.service,
      prefix: "application-autoscaling",
      names: [key.ResourceId, "endpoint/endpoint/variant/video"],
      arns: [scaling.autoscaler.target(key.ResourceId)?.arn ?? ""],
    },
    cloudwatch: {
      service: monitoring.service,
      prefix: "cloudwatch",
      names: ["alarm", "dashboard"],
      arns: [alarmArn(place, "alarm"), dashboardArn(place, "dashboard")],
    },
  };
  return {
    services,
    async stop() {
      await sagemaker.stop();
      aws.clock.stop();
    },
  };
}
