/** SNS and SQS keep most properties as attributes: texts by name. */

type Names = Readonly<Record<string, string>>;

/** The attributes of the properties that are given; `names` says what AWS calls each. */
export function attributes(names: Names, inputs: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(names).flatMap(([name, attribute]) => {
      const value = inputs[name];
      return value === undefined || value === "" ? [] : [[attribute, textOf(value)]];
    }),
  );
}

/** The attributes of the properties that changed; one that is no longer given becomes empty, which is AWS's "none". */
export function changedAttributes(
  names: Names,
  inputs: Readonly<Record<string, unknown>>,
  changed: ReadonlySet<string>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(names).flatMap(([name, attribute]) =>
      changed.has(name) ? [[attribute, textOf(inputs[name] ?? "")]] : [],
    ),
  );
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** An attribute that is a number; undefined if it is not there. */
export function numberOf(attribute: string | undefined): number | undefined {
  return attribute === undefined || attribute === "" ? undefined : Number(attribute);
}

/** An attribute that is true or false; undefined if it is not there. */
export function flagOf(attribute: string | undefined): boolean | undefined {
  return attribute === undefined || attribute === "" ? undefined : attribute.toLowerCase() === "true";
}
