/** Interface of a resource type for the provider's core: its properties, and its calls to AWS. */
import type { Clients } from "./clients.ts";
import type { Properties } from "./mapping.ts";
import type { Fields } from "./properties.ts";

/** A problem of an input, and its fix. */
export interface Failure {
  /** The property concerned; empty for the whole resource. */
  readonly property: string;
  readonly reason: string;
}

/** Context of an operation: clients, region, account, waits. */
export interface Scope {
  /** The SDK's clients in the resource's region. */
  readonly aws: Clients;
  readonly region: string;
  readonly accountId: string;
  readonly partition: string;
  /** Time for which a create is retried while a new role may not be known everywhere yet, ms. */
  readonly retryBudget: number;
  /**
   * Must be called as soon as AWS has created the resource: if a later step of the create fails, the engine then keeps
   * it, as partly created, and deletes it with the rest.
   */
  created(id: string): void;
  /** Waits before AWS is called again. Throws CancelledError when the engine cancels the operation. */
  pause(): Promise<void>;
  /** Shows one line next to the resource while an operation runs. */
  progress(message: string): void;
  /** Returns the absolute path of an asset's file. Throws ProviderError if it is unknown. */
  resolvePath(path: string): string;
}

/** AWS's answer about a resource: every readable property, `undefined` if AWS has none. */
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

/** Names by which a tag call may identify its resource. */
export interface TagTarget {
  readonly id: string;
  readonly arn: string;
  /** All wanted tags. */
  readonly all: Readonly<Record<string, string>>;
}

/** One type of resource, as lifecycle.ts uses it. An adapter makes it from a row (row.ts). */
export interface ResourceType {
  /** Pulumi's type token. */
  readonly token: string;
  readonly fields: Fields;
  /** Properties that AWS fills in, in addition to the inputs: unknown in the preview of a create. */
  readonly outputs: readonly string[];
  /** Outputs that an update may change: unknown in its preview. */
  readonly movingOutputs?: readonly string[] | undefined;
  /** The old resource is deleted first whenever it is replaced. */
  readonly deleteBeforeReplace?: boolean | undefined;
  readonly tagging?: Tagging | undefined;
  /** Returns problems beyond the kind of single properties. Inputs may contain unknowns. */
  readonly check?: ((inputs: Properties) => Failure[]) | undefined;
  /** Creates it and returns its id. */
  create(inputs: Properties, scope: Scope): Promise<string>;
  /** Reads its state; undefined if it does not exist. `known` is the last state, empty for an import. */
  read(id: string, scope: Scope, known: Properties): Promise<State | undefined>;
  /** Absent if every change of a property replaces. */
  update?(update: Update, scope: Scope): Promise<void>;
  /** Deletes it; succeeds if it does not exist. */
  delete(id: string, scope: Scope, known: Properties): Promise<void>;
}
