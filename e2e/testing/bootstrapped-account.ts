/** An emulated AWS account with the deployed bootstrap, for tests of the workflows. */
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { awsEnvironment, Deployment, pulumiPath } from "../../ops/deployment/deployment.ts";
import { spawnEmulator } from "../../ops/local/emulator.ts";
import type { RunningEmulator } from "../../ops/local/emulator.ts";
import { statePaths } from "../../ops/local/local-folder.ts";
import { assumeJobRole } from "../../ops/rehearsal/account.ts";

/**
 * Clock speed-up while the emulator is idle: fast enough to scale to zero soon, and slow enough to keep an instance for the next video
 * of a smoke test.
 */
const speed = 200;

const outputs = z.object({
  repositoryVariables: z.record(z.string(), z.string()),
  /** By environment. */
  secretsProviders: z.record(z.string(), z.string()),
  permissionsBoundaries: z.record(z.string(), z.string()),
  encryptionKeyArns: z.record(z.string(), z.string()),
});

const state = z.object({
  deployment: z.object({ resources: z.array(z.object({ urn: z.string() })).default([]) }),
});

/** The bootstrap's project and its policy config. */
export interface BootstrapProject {
  readonly stackName: string;
  readonly projectFolder: string;
  readonly policyConfigFile: string;
}

/** A bootstrapped account on a running emulator. Declare it with `await using`. */
export class BootstrappedAccount implements AsyncDisposable {
  readonly aws: RunningEmulator;
  readonly bootstrap: z.infer<typeof outputs>;
  readonly #jobs = new AsyncDisposableStack();

  private constructor(aws: RunningEmulator, bootstrap: z.infer<typeof outputs>) {
    this.aws = aws;
    this.bootstrap = bootstrap;
  }

  /**
   * Starts the emulator with its data in a folder, and deploys the bootstrap.
   * @throws Error if the emulator does not start or the deployment fails
   */
  static async open(folder: string, project: BootstrapProject): Promise<BootstrappedAccount> {
    const { signal } = new AbortController();
    const paths = statePaths(folder);
    await mkdir(paths.aws, { recursive: true });
    const aws = await spawnEmulator({ paths, port: 0, speed, signal });
    try {
      const options = { ...project, paths, providerPort: aws.providerPort, environment: awsEnvironment(aws) };
      const deployment = await Deployment.openAt(options);
      const result = await deployment.up({ detail: () => undefined }, signal);
      return new BootstrappedAccount(aws, outputs.parse(result.outputs));
    } catch (error) {
      await aws.stop();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#jobs.disposeAsync();
    await this.aws.stop();
  }

  /** Options for an AWS SDK client. */
  get access() {
    const { url: endpoint, region, credentials } = this.aws;
    return { endpoint, region, credentials };
  }

  /** Environment variables of a job in addition to credentials: the emulator's URL and its provider for `aws`. */
  get environment(): Record<string, string> {
    return { AWS_ENDPOINT_URL: this.aws.url, PULUMI_DEBUG_PROVIDERS: `aws:${this.aws.providerPort}` };
  }

  /** The repository's variables. Backends are addressed by path, because buckets have no host names on this machine. */
  get variables(): Record<string, string> {
    return Object.fromEntries(
      Object.entries(this.bootstrap.repositoryVariables).map(([name, value]) => [
        name,
        value.startsWith("s3://") ? `${value}&use_path_style=true` : value,
      ]),
    );
  }

  /**
   * Assumes a role with a job's token, as `aws-actions/configure-aws-credentials` does.
   * @param subject the subject of the token
   * @param seconds duration of the session
   * @returns environment variables with the credentials, and with a provider for `aws` that has them
   * @throws STS's error if the role does not trust this subject, or does not allow sessions of this duration
   */
  async assumeRole(role: string, subject: string, seconds: number): Promise<Record<string, string>> {
    const job = await assumeJobRole(this.aws, role, subject, seconds);
    this.#jobs.use(job);
    return { ...job.environment, PULUMI_DEBUG_PROVIDERS: `aws:${job.providerPort}` };
  }

  /** Returns the URNs of a stack's resources, sorted. */
  async resources(stack: string, backend: string, cwd: string, home: string): Promise<string[]> {
    const exported = await this.pulumi(["stack", "export", "--stack", stack], backend, cwd, home);
    const { deployment } = state.parse(JSON.parse(exported));
    return deployment.resources.map(({ urn }) => urn).sort();
  }

  /**
   * Runs the Pulumi CLI as an administrator; returns its standard output.
   * @throws if it fails
   */
  async pulumi(args: readonly string[], backend: string, cwd: string, home: string): Promise<string> {
    const { stdout } = await promisify(execFile)("pulumi", ["--non-interactive", ...args], {
      cwd,
      maxBuffer: 2 ** 26,
      env: {
        ...process.env,
        ...this.environment,
        ...awsEnvironment(this.aws),
        PATH: [...pulumiPath, process.env["PATH"] ?? ""].join(delimiter),
        PULUMI_BACKEND_URL: backend,
        PULUMI_HOME: join(home, ".pulumi"),
        PULUMI_SKIP_UPDATE_CHECK: "true",
      },
    });
    return stdout;
  }
}
