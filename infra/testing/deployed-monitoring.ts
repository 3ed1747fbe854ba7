/** Registers the monitoring of an endpoint under Pulumi's mocks, for tests. */
import { Monitoring } from "../components/monitoring.ts";
import type { MonitoringArgs } from "../components/monitoring.ts";
import { keyArn, mockAccount, registrationsOf } from "./registrations.ts";
import type { Registrations } from "./registrations.ts";

/** Pulumi type of an alarm. */
export const alarmType = "aws:cloudwatch/metricAlarm:MetricAlarm";

/** Registers the monitoring of the endpoint `detector`. Returns every registration, and the dashboard's URL. */
export async function deployMonitoring(
  args: Partial<MonitoringArgs> = {},
): Promise<{ registrations: Registrations; url: unknown }> {
  const { registrations, outputs } = await registrationsOf(() => {
    const { dashboardUrl } = new Monitoring("clips", {
      account: mockAccount(),
      endpointName: "detector",
      variantName: "AllTraffic",
      maxCapacity: 5,
      keyArn,
      ...args,
    });
    return { dashboardUrl };
  });
  return { registrations, url: outputs["dashboardUrl"] };
}
