/** Functions (invokes) that a program can call. */
import { z } from "zod";
import { prebuiltImage, prebuiltImageArgs } from "./ecr-images.ts";
import { ProviderError } from "./errors.ts";
import { partitionOf, regionDescription } from "./partitions.ts";
import type { Session } from "./session.ts";
import { toValues } from "./values.ts";
import type { Values } from "./values.ts";

type Answer = (args: Values, session: Session) => object | Promise<object>;

/** Makes a function whose arguments are parsed first. */
function answer<Args>(
  schema: z.ZodType<Args>,
  run: (args: Args, session: Session) => object | Promise<object>,
): Answer {
  return (args, session) => {
    const parsed = schema.safeParse(args);
    if (!parsed.success) throw new ProviderError(z.prettifyError(parsed.error));
    return run(parsed.data, session);
  };
}

const functions: Readonly<Record<string, Answer>> = {
  "aws:index/getCallerIdentity:getCallerIdentity": answer(
    z.strictObject({ id: z.string().optional() }),
    async (_args, session) => {
      const { Account, Arn, UserId } = await session.caller();
      return { id: Account, accountId: Account, arn: Arn, userId: UserId };
    },
  ),
  "aws:index/getPartition:getPartition": answer(z.strictObject({ id: z.string().optional() }), (_args, session) => {
    const partition = partitionOf(session.region);
    return { id: partition.partition, ...partition };
  }),
  "aws:index/getRegion:getRegion": answer(
    z.strictObject({
      endpoint: z.string().optional(),
      id: z.string().optional(),
      name: z.string().optional(),
      region: z.string().optional(),
    }),
    (args, session) => region(args.region ?? args.name ?? args.endpoint?.split(".")[1] ?? session.region),
  ),
  "aws:sagemaker/getPrebuiltEcrImage:getPrebuiltEcrImage": answer(prebuiltImageArgs, (args, session) =>
    prebuiltImage(args, session.region),
  ),
};

function region(name: string): object {
  const description = regionDescription(name);
  if (description === undefined) {
    throw new ProviderError(`There is no region ${name}: use one such as us-east-1`);
  }
  const endpoint = `ec2.${name}.${partitionOf(name).dnsSuffix}`;
  return { id: name, name, region: name, description, endpoint };
}

/** Returns the tokens of all functions, sorted. */
export const functionNames: readonly string[] = Object.keys(functions).sort();

/**
 * Returns a function's answer; undefined if there is none with this token. Throws ProviderError for invalid arguments.
 */
export async function invoke(token: string, args: Values, session: Session): Promise<Values | undefined> {
  const run = Object.hasOwn(functions, token) ? functions[token] : undefined;
  return run && toValues(await run(args, session));
}
