/** How a resource type says which properties it translates: their kinds, defaults and rules, with the types that follow from them. */
import type { Asset, Value } from "./values.ts";

/**
 * - `set`: a list whose order means nothing · `map`: names to texts · `block`: an object with properties of its own
 * - `decimal`: a number that Terraform holds as text ("1" is "1.0")
 * - `policy`, `json`: text compared by meaning; a policy may be given as an object
 */
export type Kind =
  "asset" | "block" | "decimal" | "flag" | "json" | "list" | "map" | "number" | "policy" | "set" | "text";

/** How a name is made when the program gives none. */
export interface AutoName {
  /** Longest name, in characters. */
  readonly max: number;
  readonly lowerCase?: boolean;
  /** Stands before what was made. */
  readonly prefix?: string;
  /** A flag; if it is set, `suffix` is appended beyond `max`. */
  readonly suffixIf?: string;
  readonly suffix?: string;
  /** False: the resource's own name, as it is. */
  readonly random?: boolean;
}

interface Options {
  /** Missing is refused. */
  readonly required?: true;
  readonly default?: Value;
  /** A change replaces the resource. */
  readonly forceNew?: true;
  /** AWS fills it in: left out of the program, whatever AWS says is no difference. */
  readonly computed?: true;
  readonly autoName?: AutoName;
  /** Two texts that mean the same to AWS. */
  readonly same?: (one: string, other: string) => boolean;
}

/** All names at any depth of a type: a misspelt nested property then does not compile. */
type Names<T> = T extends readonly (infer Item)[]
  ? Names<Item>
  : T extends object
    ? string extends keyof T
      ? never
      : keyof T | { [K in keyof T]: Names<T[K]> }[keyof T]
    : never;

/** One property; `T` is what it holds once checked, with `undefined` in it if it may be missing; `N` all names within. */
export interface Property<out T = unknown, out N = unknown> extends Options {
  readonly kind: Kind;
  /** What a list or set holds. */
  readonly item?: Property;
  /** What a block holds. */
  readonly fields?: Fields;
  /** For the compiler only. */
  readonly holds?: T;
  /** For the compiler only. */
  readonly names?: N;
}

/** The properties of a resource or block, by name. */
export type Fields = Readonly<Record<string, Property>>;

/** The properties that a resource of @pulumi/aws with arguments `Args` may have; a subset may be translated. */
export type FieldsOf<Args> = { readonly [K in keyof Args]?: Property<Args[K], Names<Args[K]>> };

type Held<P> = P extends Property<infer T> ? T : never;
type OptionalNames<F> = { [K in keyof F]: undefined extends Held<F[K]> ? K : never }[keyof F];

/** The type of checked inputs with these properties. */
export type Inputs<F> = { readonly [K in Exclude<keyof F, OptionalNames<F>>]: Held<F[K]> } & {
  readonly [K in OptionalNames<F>]?: Exclude<Held<F[K]>, undefined>;
};

type Given<O> = O extends { required: true } | { default: Value } | { autoName: AutoName } ? true : false;
type As<O, T> = Property<Given<O> extends true ? T : T | undefined, Names<T>>;
interface Plain {
  readonly required?: never;
}

function property<const O extends Options, T>(kind: Kind, options: O | undefined, more: Partial<Property> = {}) {
  return { kind, ...more, ...options } as As<O, T>;
}

/** A text. */
export const text = <const O extends Options = Plain>(options?: O): As<O, string> =>
  property<O, string>("text", options);
/** A number. */
export const number = <const O extends Options = Plain>(options?: O): As<O, number> =>
  property<O, number>("number", options);
/** A boolean. */
export const flag = <const O extends Options = Plain>(options?: O): As<O, boolean> =>
  property<O, boolean>("flag", options);
/** A number held as text. */
export const decimal = <const O extends Options = Plain>(options?: O): As<O, string> =>
  property<O, string>("decimal", options);
/** An IAM policy: text once checked. */
export const policy = <const O extends Options = Plain>(options?: O): As<O, string> =>
  property<O, string>("policy", options);
/** JSON text other than a policy. */
export const json = <const O extends Options = Plain>(options?: O): As<O, string> =>
  property<O, string>("json", options);
/** Names to texts. */
export const map = <const O extends Options = Plain>(options?: O): As<O, Record<string, string>> =>
  property<O, Record<string, string>>("map", options);
/** A file or text handed over as an asset. */
export const asset = <const O extends Options = Plain>(options?: O): As<O, Asset> =>
  property<O, Asset>("asset", options);
/** A list whose order counts. */
export const list = <T, const O extends Options = Plain>(
  item: Property<T>,
  options?: O,
): As<O, Exclude<T, undefined>[]> => property<O, Exclude<T, undefined>[]>("list", options, { item });
/** A list whose order means nothing. */
export const set = <T, const O extends Options = Plain>(
  item: Property<T>,
  options?: O,
): As<O, Exclude<T, undefined>[]> => property<O, Exclude<T, undefined>[]>("set", options, { item });
/** An object with properties of its own. */
export const block = <F extends Fields, const O extends Options = Plain>(
  fields: F,
  options?: O,
): As<O, { [K in keyof Inputs<F>]: Inputs<F>[K] }> => property("block", options, { fields });

/** A required text: an item of a list of texts. */
export const item: Property<string, never> = text({ required: true });

/** The properties that tagged types have: the program's tags, and those with the provider's default ones (made by Check). */
export const tagged = { tags: map(), tagsAll: map({ required: true }) };

/** The property of all but global types: where the resource lives (made by Check). */
export const regional = { region: text({ required: true, forceNew: true }) };
