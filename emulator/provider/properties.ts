/**
 * Properties of resource types: kinds, defaults, rules, and AWS's names if they differ. `mapping.ts` translates them.
 * Check refuses, by name, a property that no row has.
 */
import type * as pulumi from "@pulumi/pulumi";
import type { Asset, Value } from "./values.ts";

/**
 * - `set`: a list whose order has no meaning · `map`: names to strings · `block`: an object with its properties
 * - `decimal`: a number that Terraform keeps as a string ("1" is "1.0")
 * - `policy`, `json`: text that is compared by meaning; a policy may be an object
 */
export type Kind =
  "asset" | "block" | "boolean" | "decimal" | "json" | "list" | "map" | "number" | "policy" | "set" | "string";

/** Rules for a name that the provider generates. */
export interface AutoName {
  /** Maximum length of a name, characters. */
  readonly max: number;
  readonly lowerCase?: boolean;
  /** Prefix of the generated name. */
  readonly prefix?: string;
  /** False: the resource's name in the program, without random characters. */
  readonly random?: boolean;
}

interface Options {
  /** A missing value is refused. */
  readonly required?: true;
  readonly default?: Value;
  /** The form of a text, and its description in a refusal. */
  readonly matches?: readonly [form: RegExp, description: string];
  /** Minimum of a number. */
  readonly min?: number;
  /** Properties of the same object that cannot be combined with this one. */
  readonly conflictsWith?: readonly string[];
  /** A property of the same object that is required with this one. */
  readonly requires?: string;
  /** A change replaces the resource. */
  readonly forceNew?: true;
  /** AWS fills it in: if the program leaves it out, AWS's value is not a difference. */
  readonly computed?: true;
  readonly autoName?: AutoName;
  /** True if two strings mean the same to AWS. */
  readonly same?: (one: string, other: string) => boolean;
  /**
   * AWS's name: a member, or a path such as `Metric.MetricName`. From several names, a call uses the first that it has.
   * By default, a member whose name differs only in case, or in a final s.
   */
  readonly member?: string | readonly string[];
  /** Sent if the program has no value, but not recorded as its input. */
  readonly whenUnset?: Value | (() => Value);
  /** Zero means unset, as in Terraform, and is not sent. */
  readonly omitZero?: true;
  /** Used only by the provider: never sent, never read. */
  readonly local?: true;
}

/** All names at any depth of a type: a misspelt nested property then does not compile. */
type Names<T> = T extends readonly (infer Item)[]
  ? Names<Item>
  : T extends object
    ? string extends keyof T
      ? never
      : keyof T | { [K in keyof T]: Names<T[K]> }[keyof T]
    : never;

/** One property; `T` is its type in the program, with `undefined` if it may be missing; `N` all names within. */
export interface Property<out T = unknown, out N = unknown> extends Options {
  readonly kind: Kind;
  /** The items of a list or set. */
  readonly item?: Property;
  /** The properties of a block. */
  readonly fields?: Fields;
  /** For the compiler only. */
  readonly holds?: T;
  /** For the compiler only. */
  readonly names?: N;
}

/** Properties of a resource or block, by name. */
export type Fields = Readonly<Record<string, Property>>;

/** Properties that a resource of @pulumi/aws with arguments `Args` may have; a subset may be translated. */
export type FieldsOf<Args> = {
  readonly [K in keyof pulumi.Unwrap<Args>]?: Property<pulumi.Unwrap<Args>[K], Names<pulumi.Unwrap<Args>[K]>>;
};

type Held<P> = P extends Property<infer T> ? T : never;
type OptionalNames<F> = { [K in keyof F]: undefined extends Held<F[K]> ? K : never }[keyof F];
type Inputs<F> = { readonly [K in Exclude<keyof F, OptionalNames<F>>]: Held<F[K]> } & {
  readonly [K in OptionalNames<F>]?: Exclude<Held<F[K]>, undefined>;
};

type Given<O> = O extends { required: true } | { default: Value } | { autoName: AutoName } ? true : false;
type As<O, T> = Property<Given<O> extends true ? T : T | undefined, Names<T>>;
interface Plain {
  readonly required?: never;
}

/** Makes the constructor of properties of one kind. */
function kindOf<T>(kind: Kind) {
  return <const O extends Options = Plain>(options?: O) => ({ kind, ...options }) as As<O, T>;
}

/** A string. */
export const stringField = kindOf<string>("string");
/** A number. */
export const numberField = kindOf<number>("number");
/** A boolean. */
export const booleanField = kindOf<boolean>("boolean");
/** A number as a string. */
export const decimalField = kindOf<string>("decimal");
/** An IAM policy: text after Check. */
export const policyField = kindOf<string>("policy");
/** JSON text other than a policy. */
export const jsonField = kindOf<string>("json");
/** Names to strings. */
export const mapField = kindOf<Record<string, string>>("map");
/** A file or text as an asset. */
export const assetField = kindOf<Asset>("asset");
/** A list whose order has a meaning. */
export const listField = <T, const O extends Options = Plain>(item: Property<T>, options?: O) =>
  ({ kind: "list", item, ...options }) as As<O, Exclude<T, undefined>[]>;
/** A list whose order has no meaning. */
export const setField = <T, const O extends Options = Plain>(item: Property<T>, options?: O) =>
  ({ kind: "set", item, ...options }) as As<O, Exclude<T, undefined>[]>;
/** An object with its properties. */
export const blockField = <F extends Fields, const O extends Options = Plain>(fields: F, options?: O) =>
  ({ kind: "block", fields, ...options }) as As<O, { [K in keyof Inputs<F>]: Inputs<F>[K] }>;

/** A required string: an item of a list of strings. */
export const stringItem: Property<string, never> = stringField({ required: true });

/** Properties of tagged types: the program's tags, and those with the provider's default ones (added by Check). */
export const tagged: Fields = { tags: mapField({ local: true }), tagsAll: mapField({ required: true, local: true }) };

/** Property of all types except global ones: the resource's region (added by Check). */
export const regional: Fields = { region: stringField({ required: true, forceNew: true, local: true }) };
