/** Parses the engine's events of a preview or an update. */
import { stripVTControlCharacters } from "node:util";
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { printableText } from "../../lib/printable.ts";

/** A resource that a preview or an update changes. */
export interface Planned {
  /** The engine's operation: create, update, replace, delete … */
  readonly operation: string;
  readonly type: string;
  readonly name: string;
  /** Paths of the properties that differ; empty if the resource is created or deleted. */
  readonly properties: readonly string[];
}

/** Operations that change nothing: a resource that stays the same, and one that is read. */
const idle: readonly string[] = ["same", "refresh", "read"];

/** Returns the change of a resource that the event announces; undefined if the resource stays the same. */
export function plannedIn({ resourcePreEvent }: EngineEvent): Planned[] {
  if (resourcePreEvent === undefined || idle.includes(resourcePreEvent.metadata.op)) return [];
  const { op: operation, urn, type, detailedDiff, diffs } = resourcePreEvent.metadata;
  const properties = Object.keys(detailedDiff ?? {});
  return [
    {
      operation,
      type,
      name: urn.split("::").at(-1) ?? urn,
      properties: properties.length > 0 ? properties : (diffs ?? []),
    },
  ];
}

/** Returns the policies that evaluated a resource or the stack. */
export function policiesIn(event: EngineEvent): string[] {
  // For each resource and for the stack, the engine sends one event per pack with the policies that passed and failed.
  // The SDK's types lack it.
  type Names = Partial<Record<"passed" | "failed", readonly string[] | null>>;
  const sent = event as Partial<Record<"policyAnalyzeSummaryEvent" | "policyAnalyzeStackSummaryEvent", Names>>;
  const summary = sent.policyAnalyzeSummaryEvent ?? sent.policyAnalyzeStackSummaryEvent;
  return [...(summary?.passed ?? []), ...(summary?.failed ?? [])];
}

/** Returns the label of a resource: the last part of its type, and its name in the program. */
export function shortName(urn: string): string {
  const [type = "", name = ""] = urn.split("::").slice(-2);
  return `${type.split(":").at(-1) ?? ""} ${name}`;
}

/** Removes the engine's colour markup (`<{%reset%}>`) and terminal commands; shows other control characters as escapes. */
export function plain(text: string): string {
  return printableText(stripVTControlCharacters(text.replaceAll(/<\{%[^%]*%\}>/g, ""))).trim();
}
