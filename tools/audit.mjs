/** Looks up known vulnerabilities of all dependencies in the OSV database: `npm run audit:dependencies`. Requires Go and internet access. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "./paths.mjs";
import { trustedPath } from "./setup/trust.mjs";

const tools = join(repoRoot, "tools");
const scanner = join(tools, "osv-scanner");

/** Lock files as arguments of osv-scanner: `FORMAT:PATH`, or a path whose name implies the format. */
const locks = [
  join(repoRoot, "package-lock.json"),
  ...readdirSync(join(tools, "python"))
    .filter((name) => name.endsWith(".txt"))
    .map((name) => `requirements.txt:${join(tools, "python", name)}`),
  ...readdirSync(tools, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && readdirSync(join(tools, entry.name)).includes("go.mod"))
    .map(({ name }) => join(tools, name, "go.mod")),
  // Advisories for FFmpeg name its source code, not the Python package that bundles it.
  `osv-scanner:${join(scanner, "ffmpeg.json")}`,
];

const { status, error } = spawnSync(
  "go",
  [
    ...["run", "-C", scanner, "github.com/google/osv-scanner/v2/cmd/osv-scanner", "scan", "source"],
    // The lock files are complete, and the Go modules of tools/ have no code to analyse.
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
  process.stderr.write(`Cannot run go (${error.message}). Install Go 1.26 or newer (https://go.dev/dl/).\n`);
}
if (status !== 0) {
  process.stderr.write(
    "The audit found a vulnerability or did not finish (see above). Update the vulnerable package. If there is no fixed version, " +
      "add an exception with a reason and an end date to tools/osv-scanner/osv-scanner.toml.\n",
  );
}
process.exitCode = status ?? 1;
