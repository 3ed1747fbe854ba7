/** The real program's registrations in the form that the engine passes to a policy pack, after the provider's check. */
import { unknownString } from "./evaluate.ts";
import type { TestResource } from "./evaluate.ts";

/** One resource as the program registered it under mocks. */
interface Registration {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  readonly dependencies: readonly string[];
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  readonly protect: boolean;
  readonly custom: boolean;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** Account and region of the mocks. */
interface Place {
  readonly stack: string;
  readonly region: string;
  readonly accountId: string;
}

/** Suffix of every name in the mocks. */
const suffix = "-0a1b2c3";

/** Returns the pack's view of registrations. */
export function checked(registrations: readonly Registration[], place: Place): TestResource[] {
  const { stack } = place;
  const resource = registrations.map((registration) => asChecked(registration, place));
  // A dependency on a component is one on its children. URNs of the mocks contain the parents; the evaluator's do not.
  const names = new Map(registrations.map(({ urn, type, name }) => [urn, { type, name }]));
  const translated = (urn: string): string => {
    const { type = "", name = "" } = names.get(urn) ?? {};
    return `urn:pulumi:${stack}::async-video-inference::${type}::${name}`;
  };
  return resource.map(({ dependencies, ...resource }) => ({
    ...resource,
    dependsOn: Object.fromEntries(
      Object.entries(dependencies).map(([property, urns]) => [property, urns.map(translated)]),
    ),
  }));
}

/** Adds the results of the provider's check (names, all tags), serialises documents, and adds AWS's outputs (ARNs). */
function asChecked(
  { type, name, inputs: given, protect, custom, propertyDependencies, dependencies }: Registration,
  { stack, region, accountId }: Place,
) {
  // An asset is a handle of the program: no policy evaluates its content.
  const inputs = Object.fromEntries(Object.entries(given).filter(([property]) => property !== "source"));
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
  const component = !custom;
  return {
    type,
    name,
    props,
    stack,
    protect,
    component,
    dependencies: { ...propertyDependencies, dependsOn: dependencies },
  };
}

/** Returns the same stack in its first preview, in which AWS's outputs and values that depend on them are unknown. */
export function firstPreview(resources: readonly TestResource[]): TestResource[] {
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
