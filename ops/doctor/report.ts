/** The text report: a line for each finding, its remedy below it, and a count at the end. */
import { printable, printableText } from "../../lib/printable.ts";
import type { Finding, Status } from "./finding.ts";

const marks: Readonly<Record<Status, string>> = { ok: "ok     ", warning: "warning", problem: "PROBLEM" };
const indent = " ".repeat(19);

/** Returns the report's text. */
export function reportOf(findings: readonly Finding[]): string {
  const lines = findings.map(
    ({ check, status, what, remedy }) =>
      `${marks[status]}  ${check.padEnd(8)}  ${printableText(what).replaceAll("\n", `\n${indent}`)}\n` +
      (remedy === undefined ? "" : `${indent}-> ${printable(remedy)}\n`),
  );
  const count = (status: Status): number => findings.filter((finding) => finding.status === status).length;
  const plural = (number: number, thing: string): string => `${number} ${thing}${number === 1 ? "" : "s"}`;
  return `${lines.join("")}\n${plural(count("problem"), "problem")}, ${plural(count("warning"), "warning")}, ${count("ok")} ok.\n`;
}
