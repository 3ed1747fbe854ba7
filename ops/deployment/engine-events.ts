/** Reads what the engine says of a preview or an update, event by event. */
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { printableText } from "../../lib/printable.ts";

/** One resource that a preview or an update does something to. */
export interface Planned {
  /** The engine's word: create, update, replace, delete … */
  readonly operation: string;
  readonly type: string;
  readonly name: string;
  /** Paths of the properties that differ; none where the resource is new or goes. */
  readonly properties: readonly string[];
}

/** What changes nothing: a resource that stays, and one that is looked at. */
const idle: readonly string[] = ["same", "refresh", "read"];

/** What the event says will happen to a resource; nothing where it stays as it is. */
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

/** The policies that resource a resource or the stack. */
export function resource(event: EngineEvent): string[] {
  // The engine sends, and the SDK's type lacks, one event a resource and pack, and one a stack and pack, that lists the
  // policies that passed and failed.
  const sent = event as Partial<Record<"policyAnalyzeSummaryEvent" | "policyAnalyzeStackSummaryEvent", Judgement>>;
  const summary = sent.policyAnalyzeSummaryEvent ?? sent.policyAnalyzeStackSummaryEvent;
  return [...(summary?.passed ?? []), ...(summary?.failed ?? [])];
}

/** A resource as people name it: the last part of its type, and its name in the program. */
export function shortName(urn: string): string {
  const [type = "", name = ""] = urn.split("::").slice(-2);
  return `${type.split(":").at(-1) ?? ""} ${name}`;
}

/** Names of policies. */
interface Judgement {
  readonly passed?: readonly string[] | null;
  readonly failed?: readonly string[] | null;
}

/** Adds the event's error, if it is one. */
export function noteErrors(event: EngineEvent, diagnostics: string[]): void {
  if (event.diagnosticEvent?.severity === "error") {
    diagnostics.push(plain(event.diagnosticEvent.message));
  }
}

/** Text without the engine's colour mark-up (`<{%reset%}>`) and colour codes; other control characters are shown as escapes. */
export function plain(text: string): string {
  // eslint's no-control-regex forbids the escape character in a literal.
  const escape = String.fromCharCode(27);
  const uncoloured = text.replaceAll(/<\{%[^%]*%\}>/g, "").replaceAll(new RegExp(`${escape}\\[[0-9;]*m`, "g"), "");
  return printableText(uncoloured).trim();
}
