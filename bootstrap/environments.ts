/** The environments that workflows deploy to, and what each may do. */

export const environmentNames = ["dev", "production", "ephemeral"] as const;
export type EnvironmentName = (typeof environmentNames)[number];

/** What belongs to one environment. */
export interface Environment {
  /** As GitHub's settings and the workflows call it. */
  readonly name: EnvironmentName;
  /** The value of the tag `stack` on what it deploys; `*` stands for anything. */
  readonly stackTag: string;
  /** Start of the names of the repository variables about it. */
  readonly variables: string;
  /** Whether its stacks may be destroyed with the data that they hold. */
  readonly disposable: boolean;
  /** Whether pull requests preview it, and the nightly check looks at it. */
  readonly previewed: boolean;
}

export const environments: Readonly<Record<EnvironmentName, Environment>> = {
  dev: { name: "dev", stackTag: "dev", variables: "DEV", disposable: true, previewed: true },
  production: { name: "production", stackTag: "prod", variables: "PROD", disposable: false, previewed: true },
  ephemeral: { name: "ephemeral", stackTag: "pr-*", variables: "EPHEMERAL", disposable: true, previewed: false },
};
