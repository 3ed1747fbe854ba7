/**
 * Explains why a workflow skips jobs in a repository that is not bootstrapped: `node ops/pipeline/not-bootstrapped.ts VARIABLE…`, where
 * each VARIABLE is a repository variable that the workflow needs, passed as an environment variable. Runs without `npm ci`.
 */
const missing = process.argv.slice(2).filter((name) => (process.env[name] ?? "") === "");
const workflow = process.env["GITHUB_WORKFLOW"] ?? "this workflow";
process.stdout.write(
  `::notice title=Not bootstrapped::The repository variables ${missing.join(", ")} are not set, so ${workflow} skips the jobs that need them. ` +
    "infra/bootstrap/README.md explains how to set them.\n",
);
