/** Functions (invokes) that a program can call. */
import { z } from "zod";
import { prebuiltImage, prebuiltImageArgs } from "./ecr-images.ts";
import { ProviderError } from "./errors.ts";
import { partitionOf, regionDescription } from "./partitions.ts";
import type { Session } from "./session.ts";
import { toValues } from "./values.ts";
import type { Values } from "./values.ts";

type Answer = (args: Values, session: Session) => object;

/** Makes a function whose arguments are parsed first. */
function answer<Args>(schema: z.ZodType<Args>, run: (args: Args, session: Session) => object): Answer {
  return (args, session) => {
    const parsed = schema.safeParse(args);
    if (!parsed.success) throw new ProviderError(z.prettifyError(parsed.error));
    return run(parsed.data, session);
  };
}

const functions: Readonly<Record<string, Answer>> = {
  "aws:index/getCallerIdentity:getCallerIdentity": answer(z.strictObject({}), (_args, { caller }) => {
    const { Account, Arn, UserId } = caller;
    return { id: Account, accountId: Account, arn: Arn, userId: UserId };
  }),
  "aws:index/getPartition:getPartition": answer(z.strictObject({}), (_args, session) => {
    const partition = partitionOf(session.region);
    return { id: partition.partition, ...partition };
  }),
  "aws:index/getRegion:getRegion": answer(z.strictObject({ region: z.string().optional() }), (args, session) => {
    const { region = session.region } = args;
    const description = regionDescription(region);
    if (description === undefined) throw new ProviderError(`There is no region ${region}: use one such as us-east-1`);
    const endpoint = `ec2.${region}.${partitionOf(region).dnsSuffix}`;
    return { id: region, name: region, region, description, endpoint };
  }),
  "aws:sagemaker/getPrebuiltEcrImage:getPrebuiltEcrImage": answer(prebuiltImageArgs, (args, session) =>
    prebuiltImage(args, session.region),
  ),
};

/** Returns the tokens of all functions, sorted. */
export const functionNames: readonly string[] = Object.keys(functions).sort();

/**
 * Returns a function's answer; undefined if there is none with this token.
 * @throws {ProviderError} for invalid arguments
 */
export function invoke(token: string, args: Values, session: Session): Values | undefined {
  const run = Object.hasOwn(functions, token) ? functions[token] : undefined;
  return run && toValues(run(args, session));
}
