/** What a type of resource is to the provider: its properties, and its calls to AWS. */
import type { Clients } from "./clients.ts";
import type { Fields, Inputs } from "./properties.ts";

/** Something wrong with an input, and what to do about it. */
export interface Failure {
  /** The property it is about; empty for the whole resource. */
  readonly property: string;
  readonly reason: string;
}

/** Where and for whom an operation runs. */
export interface Scope {
  /** The SDK's clients in the resource's region. */
  readonly aws: Clients;
  readonly region: string;
  readonly accountId: string;
  readonly partition: string;
  /** How long (ms) a create is tried again while a new role may not be known everywhere yet. */
  readonly patience: number;
  /**
   * To be called as soon as AWS has made the resource: if a later step of the create fails, the engine then keeps it, as
   * half made, and deletes it with the rest.
   */
  created(id: string): void;
  /** Waits a moment before AWS is asked again. Throws CancelledError when the engine gives up on the operation. */
  pause(): Promise<void>;
  /** Shows one line beside the resource while it is being worked on. */
  progress(message: string): void;
  /** The path of an asset's file, absolute. Throws ProviderError if it cannot be known. */
  resolvePath(path: string): string;
}

/** The inputs that Check makes for every type, whatever the program gives. */
export interface Managed {
  readonly region?: string;
  readonly tagsAll?: Record<string, string>;
}

/** What AWS says about a resource: every property that can be read, `undefined` where AWS has none. */
export type State = Readonly<Record<string, unknown>>;

/** An update: what is wanted, what was, and which properties differ (tags aside: they were dealt with before). */
export interface Update<F> {
  readonly id: string;
  readonly inputs: Inputs<F>;
  /** The last known state; properties may be missing. */
  readonly before: Partial<Inputs<F>>;
  readonly changed: ReadonlySet<keyof F | "tagsAll">;
}

/** How a tagged type changes its tags. */
export interface Tagging {
  tag(resource: TagTarget, tags: Record<string, string>, scope: Scope): Promise<void>;
  untag(resource: TagTarget, keys: string[], scope: Scope): Promise<void>;
}

/** What a call that tags names its resource by. */
export interface TagTarget {
  readonly id: string;
  readonly arn: string;
  /** All tags that it shall have. */
  readonly all: Record<string, string>;
}

/** One type of resource. */
export interface ResourceType<F extends Fields = Fields> {
  /** Pulumi's type token. */
  readonly token: string;
  readonly fields: F;
  /** The properties that AWS fills in, beside the inputs: unknown in the preview of a create. */
  readonly outputs: readonly string[];
  /** Those of them that an update may change: unknown in its preview. */
  readonly movingOutputs?: readonly string[];
  /** Whether the old one goes first whenever it is replaced. */
  readonly deleteBeforeReplace?: boolean;
  readonly tagging?: Tagging;
  /** What the program wants that is wrong in ways that no single property's kind shows. Inputs may hold unknowns. */
  check?(inputs: Readonly<Record<string, unknown>>): Failure[];
  /** Makes it and answers its id. */
  create(inputs: Inputs<F>, scope: Scope): Promise<string>;
  /** What AWS knows about it; undefined if it is not there. `known` is the last state, empty for an import. */
  read(id: string, scope: Scope, known: Partial<Inputs<F>>): Promise<State | undefined>;
  /** Left out where every change of a property replaces. */
  update?(update: Update<F>, scope: Scope): Promise<unknown>;
  /** Deletes it; one that is not there is a success. */
  delete(id: string, scope: Scope, known: Partial<Inputs<F>>): Promise<void>;
}

/** Forgets the exact properties of a type, for the list of all types. */
export function resource<const F extends Fields>(type: ResourceType<F>): ResourceType {
  return type as unknown as ResourceType;
}
