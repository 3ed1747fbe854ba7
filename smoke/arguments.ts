/** Reads a command line and reports all problems of its options at once. */
import { parseArgs } from "node:util";
import type { ParseArgsOptionsConfig } from "node:util";
import type { z } from "zod";
import { SetupError } from "../client/src/index.ts";

/** A parsed command line. */
export interface Arguments {
  /** Values of the known options, by name; not validated yet. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly operands: readonly string[];
  /** Unknown options and options without a value. */
  readonly problems: readonly string[];
}

type OptionToken = Extract<ReturnType<typeof tokensOf>[number], { kind: "option" }>;

/** Splits a command line; never throws. */
export function readArguments(args: readonly string[], options: ParseArgsOptionsConfig): Arguments {
  const operands: string[] = [];
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const token of tokensOf(args, options)) {
    if (token.kind === "positional") operands.push(token.value);
    if (token.kind !== "option") continue;
    const problem = problemOf(token, options);
    if (problem !== undefined) {
      problems.push(problem);
      continue;
    }
    const { name, value = true } = token;
    const before = values[name];
    const isMultiple = options[name]?.multiple === true;
    values[name] = isMultiple ? [...(Array.isArray(before) ? (before as unknown[]) : []), value] : value;
  }
  return { values, operands, problems };
}

/** Splits the arguments without strict mode, which reports only the first problem. */
function tokensOf(args: readonly string[], options: ParseArgsOptionsConfig) {
  return parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true }).tokens;
}

function problemOf({ name, rawName, value, inlineValue }: OptionToken, options: ParseArgsOptionsConfig) {
  const option = Object.hasOwn(options, name) ? options[name] : undefined;
  if (option === undefined) return `Unknown option '${rawName}'`;
  if (option.type === "boolean") return value === undefined ? undefined : `${rawName} takes no value`;
  // Node takes the next argument as the value, even if it is an option.
  const isOption = inlineValue === false && /^--?[a-z]/i.test(value);
  return value === undefined || isOption ? `${rawName} needs a value` : undefined;
}

/** Problems that a schema found in options: one sentence for each option. */
export function problemsOf(checked: z.ZodSafeParseResult<unknown>): readonly string[] {
  const issues = Map.groupBy(checked.error?.issues ?? [], ({ path: [name] }) => name);
  return [...issues].flatMap(([name, [issue]]) => {
    if (issue === undefined) return [];
    if (issue.code === "too_small" && issue.origin === "string") return `--${String(name)} needs a value`;
    return issue.message.startsWith("--") ? issue.message : `--${String(name)}: ${issue.message}`;
  });
}

/** Makes the error for an invalid command line. */
export function usage(...problems: readonly string[]): SetupError {
  return new SetupError(`${problems.join("; ")}; --help lists the options.`);
}

/** Problem of a command line with both options. */
export const bothStackAndOutputs = "Use either --stack or --outputs, not both";
