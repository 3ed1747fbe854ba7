/** The form of calls with a source. */

/** One call of a role. */
export interface RoleCall {
  readonly action: string;
  readonly resource: string;
  /** @default none */
  readonly context?: Readonly<Record<string, unknown>>;
}

/** Kinds of roles: the bootstrap's of the stack's environment, and those with the stack's own policies. */
export type Kind = "deploy" | "preview" | "caller" | "operator";

/** Calls with the same source. */
export interface DocumentedCalls {
  /** The roles that make them. */
  readonly by: readonly Kind[];
  readonly source: string;
  readonly calls: (stack: string) => readonly RoleCall[];
}

/** Returns the calls of actions of one service on each of some resources. */
export function on(resources: readonly string[], service: string, ...names: readonly string[]): RoleCall[] {
  return resources.flatMap((resource) => names.map((name) => ({ action: `${service}:${name}`, resource })));
}

/** Returns calls with condition keys. */
export function under(context: Readonly<Record<string, unknown>>, calls: readonly RoleCall[]): RoleCall[] {
  return calls.map((call) => ({ ...call, context }));
}
