/** The real program's stacks, as the engine hands them to a policy pack: registered against mocks, checked as the provider does. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  accountId,
  type Registration,
  type Registrations,
  region,
  registrationsOf,
} from "../../infra/testing/registrations.ts";
import { stackConfig } from "../../infra/testing/stacks.ts";
import { type Judged, unknownString } from "./judge.ts";

/** Stacks that are deployed to AWS. */
export type StackName = "dev" | "prod";

/** What the mocks of the program end every name with. */
const suffix = "-0a1b2c3";

/** Imports the program anew: a module runs once for each address. */
let imports = 0;

/** What the program registers for a stack. */
export async function programResources(stack: StackName): Promise<Judged[]> {
  const folder = await mkdtemp(join(tmpdir(), "policies-"));
  try {
    const artifact = join(folder, "model.tar.gz");
    await writeFile(artifact, "weights and code");
    imports += 1;
    const address = `../../infra/index.ts?policies=${imports}`;
    const { registrations } = await registrationsOf(() => import(address), {
      stack,
      config: stackConfig(stack, artifact),
    });
    return checked(registrations, stack);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function checked(registrations: Registrations, stack: StackName): Judged[] {
  const judged = registrations.all
    .filter(({ type }) => type.startsWith("aws:"))
    .map((registration) => asChecked(registration, stack));
  // A dependency on a component is one on its children; URNs of the mocks name the parents too, the judge's do not.
  const names = new Map(registrations.all.map(({ urn, type, name }) => [urn, { type, name }]));
  const translated = (urn: string): string => {
    const { type = "", name = "" } = names.get(urn) ?? {};
    return `urn:pulumi:${stack}::async-video-inference::${type}::${name}`;
  };
  return judged.map(({ dependencies, ...resource }) => ({
    ...resource,
    dependsOn: Object.fromEntries(
      Object.entries(dependencies).map(([property, urns]) => [property, urns.map(translated)]),
    ),
  }));
}

/** What Check adds (names, all tags), makes text (documents), and what AWS answers (ARNs). */
function asChecked(
  { type, name, inputs: given, protect, propertyDependencies, dependencies }: Registration,
  stack: StackName,
) {
  // An asset is a handle of the program's: no policy is about what is in it.
  const { source: _, ...inputs } = given;
  const physicalName = `${name}${suffix}`;
  const [service = ""] = type.replace("aws:", "").split("/");
  const arn =
    service === "s3" ? `arn:aws:s3:::${physicalName}` : `arn:aws:${service}:${region}:${accountId}:${physicalName}`;
  const documents = Object.fromEntries(
    ["policy", "assumeRolePolicy"]
      .filter((property) => typeof inputs[property] === "object")
      .map((property) => [property, JSON.stringify(inputs[property])]),
  );
  const props: Record<string, unknown> = {
    name: physicalName,
    id: physicalName,
    arn,
    ...(type === "aws:s3/bucket:Bucket" ? { bucket: physicalName } : {}),
    tagsAll: { project: "async-video-inference", stack },
    ...inputs,
    ...documents,
  };
  return { type, name, props, stack, protect, dependencies: { ...propertyDependencies, dependsOn: dependencies } };
}

/** The same stack in its first preview: what AWS makes, and what is made of it, is not known. */
export function firstPreview(resources: readonly Judged[]): Judged[] {
  return resources.map((resource) => ({ ...resource, props: unknownIn(resource.props) }));
}

function unknownIn(props: Record<string, unknown>): Record<string, unknown> {
  const made = (value: unknown): unknown => {
    if (typeof value === "string") return value.includes("arn:") || value.includes("endpoint/") ? unknownString : value;
    if (Array.isArray(value)) return value.map(made);
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, made(each)]));
    }
    return value;
  };
  return { ...(made(props) as Record<string, unknown>), id: unknownString };
}
