/**
 * Stands for the official provider: a process that the engine starts, which prints its port and finds AWS by the variables of its
 * environment. It writes whether the engine was told to attach to another provider to the file STARTED.
 */
import { writeFile } from "node:fs/promises";
import { z } from "zod";
import { startProvider } from "../../emulator/provider/server.ts";

const { STARTED, AWS_ENDPOINT_URL, AWS_REGION, ...variables } = z
  .object({
    STARTED: z.string(),
    AWS_ENDPOINT_URL: z.string(),
    AWS_REGION: z.string(),
    AWS_ACCESS_KEY_ID: z.string(),
    AWS_SECRET_ACCESS_KEY: z.string(),
    PULUMI_DEBUG_PROVIDERS: z.string().optional(),
  })
  .parse(process.env);
const provider = await startProvider({
  endpoint: AWS_ENDPOINT_URL,
  region: AWS_REGION,
  credentials: { accessKeyId: variables.AWS_ACCESS_KEY_ID, secretAccessKey: variables.AWS_SECRET_ACCESS_KEY },
});
await writeFile(STARTED, `attached: ${variables.PULUMI_DEBUG_PROVIDERS ?? "none"}`);
process.stdout.write(`${provider.port}\n`);
