/** The steps of the workflows in .github/workflows, each a command: `npm run -s pipeline -- STEP`. */
import { useProxies } from "../../lib/proxies.ts";
import { runStep } from "./steps.ts";

useProxies();

process.exitCode = await runStep(process.argv.slice(2), {
  environment: process.env,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
