/**
 * The proxies of the user's environment: HTTPS_PROXY for AWS, GitHub and Pulumi Cloud, none for servers on this
 * machine.
 */
import * as http from "node:http";

const loopback = ["127.0.0.1", "localhost", "::1"];

/** Sets NO_PROXY in both spellings, because some programs read only one: the hosts of both, and this machine. */
export function withoutLoopback(environment: NodeJS.ProcessEnv): { NO_PROXY: string; no_proxy: string } {
  const hosts = ["NO_PROXY", "no_proxy"].flatMap((name) => (environment[name] ?? "").split(","));
  const all = [...new Set([...hosts.map((host) => host.trim()), ...loopback])].filter((host) => host !== "");
  return { NO_PROXY: all.join(","), no_proxy: all.join(",") };
}

/** Makes this process and its children use the environment's proxies, and reach servers on this machine without one. */
export function useProxies(): void {
  Object.assign(process.env, withoutLoopback(process.env));
  http.setGlobalProxyFromEnv(process.env);
}

/** For an AWS SDK client's requestHandler: without it the SDK's connections ignore HTTPS_PROXY. */
export const throughProxy = { httpsAgent: { proxyEnv: process.env } } as const;

/**
 * For an AWS SDK client's requestHandler: the proxy, and time limits in ms. The SDK sets no limit, and a missing answer must not block the
 * caller.
 */
export const requestHandler = {
  connectionTimeout: 5_000,
  requestTimeout: 30_000,
  throwOnRequestTimeout: true,
  ...throughProxy,
} as const;
