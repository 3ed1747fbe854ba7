/** A type of resource as the provider's core sees it: its properties, and its calls to AWS. */
import type { Clients } from "./clients.ts";
import type { Properties } from "./mapping.ts";
import type { Fields } from "./properties.ts";

/** Something wrong with an input, and what to do about it. */
export interface Failure {
  /** The property it is about; empty for the whole resource. */
  readonly property: string;
  readonly reason: string;
}

/** The circumstances of an operation: clients, region, account, waits. */
export interface Scope {
  /** The SDK's clients in the resource's region. */
  readonly aws: Clients;
  readonly region: string;
  readonly accountId: string;
  readonly partition: string;
  /** How long (ms) a create is tried again while a new role may not be known everywhere yet. */
  readonly retryBudget: number;
  /**
   * To be called as soon as AWS has made the resource: if a later step of the create fails, the engine then keeps it, as
   * half made, and deletes it with the rest.
   */
  created(id: string): void;
  /** Waits a moment before AWS is asked again. Throws CancelledError when the engine gives up on the operation. */
  pause(): Promise<void>;
  /** Shows one line next to the resource while an operation runs. */
  progress(message: string): void;
  /** The path of an asset's file, absolute. Throws ProviderError if it cannot be known. */
  resolvePath(path: string): string;
}

/** AWS's answer about a resource: every property that can be read, `undefined` if AWS has none. */
export type State = Readonly<Record<string, unknown>>;

/** An update. Tags are already changed. */
export interface Update {
  readonly id: string;
  readonly inputs: Properties;
  /** The last known state; properties may be missing. */
  readonly before: Properties;
  /** The properties that differ. */
  readonly changed: ReadonlySet<string>;
}

/** Changes a resource's tags: removes keys, then sets tags. */
export type Tagging = (
  target: TagTarget,
  changed: Readonly<Record<string, string>>,
  removed: readonly string[],
  scope: Scope,
) => Promise<void>;

/** The names by which a tag call may know its resource. */
export interface TagTarget {
  readonly id: string;
  readonly arn: string;
  /** All tags that it shall have. */
  readonly all: Readonly<Record<string, string>>;
}

/** One type of resource, as lifecycle.ts sees it. An adapter makes it of a row (row.ts). */
export interface ResourceType {
  /** Pulumi's type token. */
  readonly token: string;
  readonly fields: Fields;
  /** The properties that AWS fills in, in addition to the inputs: unknown in the preview of a create. */
  readonly outputs: readonly string[];
  /** Those of them that an update may change: unknown in its preview. */
  readonly movingOutputs?: readonly string[] | undefined;
  /** The old resource is deleted first whenever it is replaced. */
  readonly deleteBeforeReplace?: boolean | undefined;
  readonly tagging?: Tagging | undefined;
  /** Faults that no single property's kind shows. Inputs may hold unknowns. */
  readonly check?: ((inputs: Properties) => Failure[]) | undefined;
  /** Creates it and answers its id. */
  create(inputs: Properties, scope: Scope): Promise<string>;
  /** Reads its state; undefined if it does not exist. `known` is the last state, empty for an import. */
  read(id: string, scope: Scope, known: Properties): Promise<State | undefined>;
  /** Left out if every change of a property replaces. */
  update?(update: Update, scope: Scope): Promise<void>;
  /** Deletes it; one that does not exist is a success. */
  delete(id: string, scope: Scope, known: Properties): Promise<void>;
}
