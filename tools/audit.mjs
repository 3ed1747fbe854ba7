/** Looks up known vulnerabilities of all that is installed, in OSV's database: `npm run audit:dependencies`. Needs Go and the network. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "./paths.mjs";
import { trustedPath } from "./setup/trust.mjs";

const tools = join(repoRoot, "tools");
const scanner = join(tools, "osv-scanner");

/** The locks, each as osv-scanner takes it: `FORMAT:PATH`, or a path whose name says the format. */
const locks = [
  join(repoRoot, "package-lock.json"),
  ...readdirSync(join(tools, "python"))
    .filter((name) => name.endsWith(".txt"))
    .map((name) => `requirements.txt:${join(tools, "python", name)}`),
  ...readdirSync(tools, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && readdirSync(join(tools, entry.name)).includes("go.mod"))
    .map(({ name }) => join(tools, name, "go.mod")),
  // Advisories about FFmpeg name its source, not the Python package that carries it.
  `osv-scanner:${join(scanner, "ffmpeg.json")}`,
];

const { status, error } = spawnSync(
  "go",
  [
    ...["run", "-C", scanner, "github.com/google/osv-scanner/v2/cmd/osv-scanner", "scan", "source"],
    // The locks are complete, and the modules of tools/ have no code that calls could be looked for in.
    ...["--no-resolve", "--no-call-analysis", "go", "--config", join(scanner, "osv-scanner.toml")],
    ...locks.flatMap((lock) => ["--lockfile", lock]),
    ...process.argv.slice(2),
  ],
  {
    stdio: "inherit",
    env: { ...process.env, GOWORK: "off", PATH: trustedPath(process.env["PATH"], repoRoot).path },
  },
);
if (error !== undefined) {
  process.stderr.write(`go did not start (${error.message}): install Go 1.26 or newer (https://go.dev/dl/).\n`);
}
if (status !== 0) {
  process.stderr.write(
    "The audit found an advisory, or did not finish: see above. Update what the advisory is about; if that is not possible, " +
      "accept it until a day, with a reason, in tools/osv-scanner/osv-scanner.toml.\n",
  );
}
process.exitCode = status ?? 1;
