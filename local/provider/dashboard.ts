/** CloudWatch: dashboards. */
import { DeleteDashboardsCommand, GetDashboardCommand, PutDashboardCommand } from "@aws-sdk/client-cloudwatch";
import type { DashboardArgs } from "@pulumi/aws/cloudwatch/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { unlessMissing } from "./errors.ts";
import { json, regional, text } from "./properties.ts";
import type { FieldsOf, Inputs } from "./properties.ts";
import { resource } from "./resource.ts";
import type { Managed, Scope } from "./resource.ts";

const fields = {
  dashboardName: text({ required: true, forceNew: true }),
  dashboardBody: json({ required: true }),
  ...regional,
} satisfies FieldsOf<pulumi.Unwrap<DashboardArgs> & Managed>;

/** The name in the model, and the code in the Query protocol. */
const gone = ["DashboardNotFoundError", "ResourceNotFound"];

async function put(inputs: Inputs<typeof fields>, { aws }: Scope): Promise<string> {
  const { dashboardName: DashboardName, dashboardBody: DashboardBody } = inputs;
  await aws.cloudwatch.send(new PutDashboardCommand({ DashboardName, DashboardBody }));
  return DashboardName;
}

export const dashboard = resource<typeof fields>({
  token: "aws:cloudwatch/dashboard:Dashboard",
  fields,
  outputs: ["dashboardArn"],
  create: put,
  async read(id, { aws }) {
    const found = await unlessMissing(aws.cloudwatch.send(new GetDashboardCommand({ DashboardName: id })), ...gone);
    return (
      found && {
        dashboardName: found.DashboardName ?? id,
        dashboardArn: found.DashboardArn,
        dashboardBody: found.DashboardBody,
      }
    );
  },
  update: ({ inputs }, scope) => put(inputs, scope),
  async delete(id, { aws }) {
    await unlessMissing(aws.cloudwatch.send(new DeleteDashboardsCommand({ DashboardNames: [id] })), ...gone);
  },
});
