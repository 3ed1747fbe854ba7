/** For tests: CloudWatch's alarms and dashboards as answers of a fake AWS. */
import { FakeAwsError } from "./fake-aws.ts";
import type { Answers } from "./fake-aws.ts";

type Input = Readonly<Record<string, unknown>>;

/** Alarms by name, and the tags of all. */
export function fakeAlarms(): Answers {
  const alarms = new Map<string, Input>();
  let tags: readonly { Key: string; Value: string }[] = [];
  return {
    PutMetricAlarm: (input) => {
      const { Tags, ...alarm } = input;
      const name = String(input["AlarmName"]);
      alarms.set(name, { ...alarm, AlarmArn: `arn:aws:cloudwatch:us-east-1:000000000000:alarm:${name}` });
      if (Tags !== undefined) tags = Tags as typeof tags;
      return {};
    },
    DescribeAlarms: ({ AlarmNames }) => ({
      MetricAlarms: (AlarmNames as string[]).flatMap((name) => alarms.get(name) ?? []),
    }),
    DeleteAlarms: ({ AlarmNames }) => {
      for (const name of AlarmNames as string[]) alarms.delete(name);
      return {};
    },
    ListTagsForResource: () => ({ Tags: tags }),
    TagResource: ({ Tags }) => {
      const news = Tags as typeof tags;
      tags = [...tags.filter(({ Key }) => !news.some((one) => one.Key === Key)), ...news];
      return {};
    },
    UntagResource: ({ TagKeys }) => {
      tags = tags.filter(({ Key }) => !(TagKeys as string[]).includes(Key));
      return {};
    },
  };
}

/** Dashboards by name. */
export function fakeDashboards(): Answers {
  const bodies = new Map<unknown, unknown>();
  return {
    PutDashboard: ({ DashboardName, DashboardBody }) => {
      // AWS formats the body differently.
      bodies.set(DashboardName, JSON.stringify(JSON.parse(String(DashboardBody)), undefined, 1));
      return { DashboardValidationMessages: [] };
    },
    GetDashboard: ({ DashboardName: name }) => {
      if (!bodies.has(name)) throw new FakeAwsError("ResourceNotFound", `Dashboard ${String(name)} does not exist`);
      const DashboardArn = `arn:aws:cloudwatch::000000000000:dashboard/${String(name)}`;
      return { DashboardName: name, DashboardBody: bodies.get(name), DashboardArn };
    },
    DeleteDashboards: ({ DashboardNames }) => {
      for (const name of DashboardNames as unknown[]) bodies.delete(name);
      return {};
    },
  };
}
