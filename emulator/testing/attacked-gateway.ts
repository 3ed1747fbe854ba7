/** For tests: a gateway to attack with raw bytes, with a record of every request on MiniStack's socket. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { RealClock } from "../core/real-clock.ts";
import { startGateway } from "../gateway/gateway.ts";
import { computeSignature } from "../gateway/signature.ts";
import { noContainers, permissiveLauncher, testAccount, testCredentials, testRegion } from "./test-gateway.ts";

/** A request on MiniStack's socket. */
export interface Arrived {
  readonly method: string;
  readonly target: string;
  readonly hosts: readonly string[];
  readonly upgrade: string | undefined;
  readonly body: string;
}

/** A request to send literally, with a valid signature. */
export interface SignedAttack {
  /** @default "GET" */
  readonly method?: string;
  readonly target: string;
  /** @default the gateway's */
  readonly host?: string;
  /** The SigV4 name of the service that it is signed for. @default "s3" */
  readonly service?: string;
  /** Headers that are not signed, each a line. @default Connection: close */
  readonly unsigned?: readonly string[];
  /** Body as it is sent, with its framing. */
  readonly body?: string;
  /** The body without framing; its hash is signed, for services other than S3. */
  readonly payload?: string;
}

/** The bucket whose policy allows something to everyone. */
export const openBucket = "open";

/** A gateway that serves S3, STS and SQS. */
export interface AttackedGateway {
  readonly port: number;
  /** Address and port. */
  readonly host: string;
  /** All requests that have arrived at MiniStack's socket; a test empties it. */
  readonly arrived: Arrived[];
  /** Buckets whose CORS configuration the gateway has read; a test empties it. */
  readonly asked: string[];
  /** Returns the bytes of a signed request. */
  bytesOf(attack: SignedAttack): Promise<string>;
  /** Returns the target of a GET of an object that is presigned for a minute. */
  presigned(path: string): Promise<string>;
  /**
   * Sends the bytes, then a request that must pass, so that everything before it has arrived.
   * @returns the status of each answer
   */
  attack(bytes: string): Promise<number[]>;
  stop(): Promise<void>;
}

/** Starts the gateway on a free port. */
export async function startAttackedGateway(): Promise<AttackedGateway> {
  const arrived: Arrived[] = [];
  const asked: string[] = [];
  const folder = await mkdtemp(join(tmpdir(), "attacks-"));
  const upstreamSocket = join(folder, "ministack");
  const upstream = createServer((request, response) => {
    void text(request).then((body) => {
      const { method = "", url = "", rawHeaders } = request;
      const hosts = rawHeaders.filter((_, index) => rawHeaders[index - 1]?.toLowerCase() === "host");
      arrived.push({ method, target: url, hosts, upgrade: request.headers.upgrade, body });
      response.end("from MiniStack");
    });
  });
  upstream.listen(upstreamSocket);
  await once(upstream, "listening");
  const gateway = await startGateway({
    port: 0,
    credentials: testCredentials,
    launcher: { ...permissiveLauncher, isOpen: (bucket) => Promise.resolve(bucket === openBucket) },
    containers: noContainers,
    upstream: { path: upstreamSocket, ready: Promise.resolve() },
    upstreamServices: ["s3", "sts", "sqs"],
    corsRules(bucket) {
      asked.push(bucket);
      return Promise.resolve([]);
    },
    clock: new RealClock(),
    region: testRegion,
    accountId: testAccount,
    services: new Map(),
    awaitMoment: () => undefined,
    status: () => ({}),
  });
  const host = `127.0.0.1:${gateway.port}`;
  const bytesOf = async (attack: SignedAttack): Promise<string> => {
    const { method = "GET", target, host: to = host, service = "s3", unsigned = ["Connection: close"] } = attack;
    const { stamp, credential, signature } = scopeOf(service);
    const hash =
      service === "s3"
        ? "UNSIGNED-PAYLOAD"
        : createHash("sha256")
            .update(attack.payload ?? "")
            .digest("hex");
    const headers = { host: to, "x-amz-content-sha256": hash, "x-amz-date": stamp };
    const names = Object.keys(headers);
    const value = await computeSignature(
      testCredentials,
      { method, target, headers },
      { ...signature, signedHeaders: new Set(names), expiresIn: undefined },
      hash,
    );
    return [
      `${method} ${target} HTTP/1.1`,
      ...Object.entries(headers).map(([name, content]) => `${name}: ${content}`),
      `Authorization: AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(";")}, Signature=${value}`,
      ...unsigned,
      "",
      attack.body ?? "",
    ].join("\r\n");
  };
  return {
    port: gateway.port,
    host,
    arrived,
    asked,
    bytesOf,
    async presigned(path) {
      const { stamp, credential, signature } = scopeOf("s3");
      const target = `${path}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${encodeURIComponent(credential)}&X-Amz-Date=${stamp}&X-Amz-Expires=60&X-Amz-SignedHeaders=host`;
      const value = await computeSignature(
        testCredentials,
        { method: "GET", target, headers: { host } },
        { ...signature, signedHeaders: new Set(["host"]), expiresIn: 60 },
        "UNSIGNED-PAYLOAD",
      );
      return `${target}&X-Amz-Signature=${value}`;
    },
    async attack(bytes) {
      const answers = await send(gateway.port, bytes);
      assert.deepEqual(await send(gateway.port, await bytesOf({ target: "/videos/last" })), [200]);
      const last = { method: "GET", target: "/videos/last", hosts: [host], upgrade: undefined, body: "" };
      assert.deepEqual(arrived.pop(), last);
      return answers;
    },
    async stop() {
      await gateway.stop();
      upstream.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Sends the bytes and returns the status of each answer, once the gateway has closed the connection. */
async function send(port: number, bytes: string): Promise<number[]> {
  const socket = connect(port, "127.0.0.1");
  const silence = setTimeout(() => socket.destroy(new Error("The gateway keeps the connection open.")), 5_000);
  socket.write(bytes);
  const answers = await text(socket);
  clearTimeout(silence);
  return [...answers.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status));
}

function scopeOf(service: string) {
  const { accessKeyId } = testCredentials;
  const date = new Date(new Date().setMilliseconds(0));
  const stamp = date.toISOString().replace(/[-:]|\.\d+/g, "");
  return {
    stamp,
    credential: `${accessKeyId}/${stamp.slice(0, 8)}/${testRegion}/${service}/aws4_request`,
    signature: { scope: { service, region: testRegion }, accessKeyId, date },
  };
}
