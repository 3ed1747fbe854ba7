/** Interface between the provider's core and a type of resource: its properties, and its calls to AWS. */
import type { Clients } from "./clients.ts";
import type { Properties } from "./mapping.ts";
import type { Row } from "./row.ts";
import type { TagRules } from "./tags.ts";

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
  readonly tags: TagRules;
  /** Time for which a create is retried while a new role may not be known everywhere yet, ms. */
  readonly retryBudget: number;
  /**
   * Waits before AWS is called again.
   * @throws {CancelledError} when the engine cancels the operation
   */
  pause(): Promise<void>;
  /** Shows one line next to the resource while an operation runs. */
  progress(message: string): void;
  /**
   * Returns the absolute path of an asset's file.
   * @throws {ProviderError} if it is unknown
   */
  resolvePath(path: string): string;
}

/** A change of a resource. */
export interface Update {
  readonly id: string;
  readonly inputs: Properties;
  /** The last known state; properties may be missing. */
  readonly before: Properties;
  /** The properties that differ. */
  readonly changed: ReadonlySet<string>;
}

/** One type of resource, as lifecycle.ts uses it. An adapter makes it from a row (row.ts). */
export interface ResourceType extends Pick<
  Row,
  "token" | "fields" | "outputs" | "movingOutputs" | "deleteBeforeReplace"
> {
  /** Makes the call that creates a resource, and returns its id. */
  create(inputs: Properties, scope: Scope): Promise<string>;
  /** Sets the properties that the creating call does not have, and waits until the resource is usable. */
  finish(id: string, inputs: Properties, scope: Scope): Promise<void>;
  /** Reads its state; undefined if it does not exist. `known` is the last state, empty for an import. */
  read(id: string, scope: Scope, known: Properties): Promise<Properties | undefined>;
  /** Changes a resource whose tags are already changed. Absent if every change of a property replaces. */
  readonly update?: ((update: Update, scope: Scope) => Promise<void>) | undefined;
  /** Changes its tags. */
  retag(update: Update, scope: Scope): Promise<void>;
  /** Deletes it; succeeds if it does not exist. */
  delete(id: string, scope: Scope, known: Properties): Promise<void>;
}
