/** Tests that other users and web pages cannot use a running emulator: its sockets, its files, and requests from a browser. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { get as httpGet, request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "mocha";
import {
  CreateBucketCommand,
  DeletePublicAccessBlockCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  SageMakerClient,
  waitUntilEndpointInService,
} from "@aws-sdk/client-sagemaker";
import { CreateTopicCommand, SNSClient } from "@aws-sdk/client-sns";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import type { ServiceError } from "@grpc/grpc-js";
import type { Browser } from "puppeteer-core";
import { openBrowser } from "../../lib/report-page/testing/browser.ts";
import { spawnEmulator } from "../../ops/local/emulator.ts";
import type { RunningEmulator } from "../../ops/local/emulator.ts";
import { release, statePaths, takeOver } from "../../ops/local/local-folder.ts";
import type { StatePaths } from "../../ops/local/local-folder.ts";
import { artifactOf } from "../../emulator/testing/artifact.ts";
import { startAttacker } from "../../emulator/testing/attacker.ts";
import type { Attacker, Attempt } from "../../emulator/testing/attacker.ts";
import { descendantsOf, isAlive } from "../../lib/testing/processes.ts";
import { allow, createExecutionRole, policyOf } from "../../emulator/testing/roles.ts";
import { goodConfig, goodModel } from "../../emulator/testing/sagemaker-fixture.ts";
import { snapshot } from "../../emulator/testing/snapshot.ts";
import { listeningSockets } from "../../emulator/testing/sockets.ts";
import { sdkConfig } from "../../emulator/testing/test-gateway.ts";
import { attackInBrowser, browserArguments, presignedQueries } from "../testing/web-attack.ts";

const handler = `
def model_fn(model_dir):
    return model_dir

def transform_fn(model, body, content_type, accept, context=None):
    return body, accept
`;
/** The model server of the running instance. */
interface Instance {
  readonly management: string;
  readonly tokens: { readonly inference: { readonly key: string }; readonly management: { readonly key: string } };
  /** Its two gRPC ports, in any order. */
  readonly grpc: readonly number[];
}

/** A log file of an earlier day, or the compression of one. */
const rotatedLog = /\/logs\/\w+\.\d\d-\w{3}\.log(\.gz)?$/;

describe("The emulator with a running instance", function () {
  this.timeout(240_000);
  let folder: string;
  let paths: StatePaths;
  let aws: RunningEmulator;
  let pids: number[];
  let instance: Instance;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "closed-"));
    paths = statePaths(join(folder, ".local"));
    await takeOver(paths);
    aws = await spawnEmulator({ paths, port: 0, speed: 1, signal: new AbortController().signal });
    const config = sdkConfig(aws, aws.credentials);
    const s3 = new S3Client({ ...config, forcePathStyle: true });
    const sagemaker = new SageMakerClient(config);
    for (const Bucket of ["models", "videos", "results", "open"]) await s3.send(new CreateBucketCommand({ Bucket }));
    const Body = await artifactOf(folder, handler);
    await s3.send(new PutObjectCommand({ Bucket: "models", Key: "model.tar.gz", Body }));
    await s3.send(new PutObjectCommand({ Bucket: "videos", Key: "video.mp4", Body: "secret" }));
    await openBucket(s3);
    await createExecutionRole(aws);
    const sns = new SNSClient(config);
    for (const Name of ["success", "error"]) await sns.send(new CreateTopicCommand({ Name }));
    await sagemaker.send(new CreateModelCommand(goodModel));
    await sagemaker.send(new CreateEndpointConfigCommand(goodConfig));
    await sagemaker.send(new CreateEndpointCommand({ EndpointName: "endpoint", EndpointConfigName: "config" }));
    const waiting = { client: sagemaker, maxWaitTime: 200, minDelay: 1, maxDelay: 1 };
    await waitUntilEndpointInService(waiting, { EndpointName: "endpoint" });
    pids = [aws.pid, ...(await descendantsOf(aws.pid))];
    instance = await runningInstance();
  });
  after(async () => {
    await aws.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Makes a bucket that everyone may read and change, with objects. */
  const openBucket = async (s3: S3Client): Promise<void> => {
    const Bucket = "open";
    await s3.send(new PutObjectCommand({ Bucket, Key: "video.mp4", Body: "secret" }));
    const Body = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>';
    await s3.send(new PutObjectCommand({ Bucket, Key: "image.svg", Body, ContentType: "image/svg+xml" }));
    await s3.send(new DeletePublicAccessBlockCommand({ Bucket }));
    const actions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"];
    const statement = { ...allow("Open", actions, ["arn:aws:s3:::open", "arn:aws:s3:::open/*"]), Principal: "*" };
    await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: policyOf(statement) }));
  };

  const runningInstance = async (): Promise<Instance> => {
    const instances = join(paths.aws, "instances");
    const [name = ""] = await readdir(instances);
    const keys = await readFile(join(instances, name, "key_file.json"), "utf8");
    const { network, unix } = await listeningSockets(pids);
    const bound = network.map((address) => Number(address.split(":").at(-1)));
    return {
      management: unix.find((path) => path.endsWith("/management")) ?? "",
      tokens: JSON.parse(keys) as Instance["tokens"],
      grpc: bound.filter((port) => port !== gatewayPort() && port !== aws.providerPort),
    };
  };
  const gatewayPort = () => Number(new URL(aws.url).port);
  const ports = () => [gatewayPort(), aws.providerPort, ...instance.grpc];

  /** Calls the model server's management API with the right token; returns the status and the body. */
  const manage = async (method: string, path: string): Promise<[number, string]> => {
    const headers = { Authorization: `Bearer ${instance.tokens.management.key}` };
    const request = httpRequest({ socketPath: instance.management, method, path, headers, agent: false });
    request.end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    return [response.statusCode ?? 0, await text(response)];
  };

  describe("listens", () => {
    it("on the documented TCP ports of 127.0.0.1 only", async () => {
      const { network } = await listeningSockets(pids);
      assert.equal(instance.grpc.length, 2);
      assert.deepEqual(
        network,
        ports()
          .map((port) => `tcp 127.0.0.1:${port}`)
          .sort(),
      );
    });

    it("on Unix sockets in folders that only the user can enter", async () => {
      const { unix } = await listeningSockets(pids);
      // MiniStack's, the model server's two, and the one of its worker.
      assert.ok(unix.length >= 4, unix.join());
      for (const path of unix) {
        assert.ok(path.startsWith("/"), `${path} can be reached by all users`);
        assert.equal((await stat(dirname(path))).mode & 0o777, 0o700, path);
      }
    });

    const services = {
      inference: "org.pytorch.serve.grpc.inference.InferenceAPIsService",
      management: "org.pytorch.serve.grpc.management.ManagementAPIsService",
    };
    // Encoded protocol buffer messages. Source: TorchServe 0.12, frontend/server/src/main/resources/proto.
    const empty = Buffer.alloc(0);
    const model = Buffer.from("\n\x05model");
    const register = Buffer.from("J\x16http://127.0.0.1/x.mar");
    /** Makes a gRPC call with a deadline of 10 s; returns its status and the first line of an error's details. */
    const callPort = async (port: number, method: string, message: Buffer, token?: string) => {
      const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
      const metadata = new Metadata();
      if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
      const same = (value: Buffer): Buffer => value;
      const options = { deadline: Date.now() + 10_000 };
      const error = await new Promise<ServiceError | null>((resolve) => {
        client.makeUnaryRequest(method, same, same, message, metadata, options, resolve);
      });
      client.close();
      return [error?.code ?? status.OK, error?.details.split("\n", 1)[0]] as const;
    };
    /** Makes a call to both ports; returns the outcome from the one that serves the API. */
    const call = async (api: keyof typeof services, method: string, message: Buffer, token?: string) => {
      const path = `/${services[api]}/${method}`;
      const outcomes = await Promise.all(instance.grpc.map((port) => callPort(port, path, message, token)));
      const [served, ...others] = outcomes.filter(([code]) => code !== status.UNIMPLEMENTED);
      assert.deepEqual(others, []);
      return served;
    };
    const refused = "Token Authorization failed. Token either incorrect, expired, or not provided correctly";
    for (const [api, method, message, withToken] of [
      ["inference", "Ping", empty, [status.OK, undefined]],
      ["inference", "Predictions", model, [status.OK, undefined]],
      ["management", "ListModels", empty, [status.OK, undefined]],
      ["management", "RegisterModel", register, [status.PERMISSION_DENIED, "Model API disabled"]],
      ["management", "UnregisterModel", model, [status.PERMISSION_DENIED, "Model API disabled"]],
    ] as const) {
      it(`on a gRPC port that refuses ${method} without the token`, async () => {
        assert.deepEqual(await call(api, method, message), [status.PERMISSION_DENIED, refused]);
        assert.deepEqual(await call(api, method, message, "wrong"), [status.PERMISSION_DENIED, refused]);
        assert.deepEqual(await call(api, method, message, instance.tokens[api].key), withToken);
      });
    }

    it("on a management socket whose API registers no model, even with the token", async () => {
      const [described, models] = await manage("GET", "/models");
      assert.equal(described, 200, models);
      assert.equal((await manage("POST", "/models?url=http://127.0.0.1/x.mar"))[0], 405);
      assert.equal((await manage("DELETE", "/models/model"))[0], 405);
    });
  });

  describe("attacked by a web page", () => {
    let pages: Attacker;
    let control: Attacker;
    let opened: { readonly browser: Browser; close(): Promise<void> };

    before(async () => {
      [pages, control] = await Promise.all([startAttacker(), startAttacker()]);
      const browser = await openBrowser(browserArguments);
      assert.ok("browser" in browser, "missing" in browser ? `No browser: ${browser.missing}. Install Chromium.` : "");
      opened = browser;
    });
    after(async () => {
      await opened.close();
      await Promise.all([pages.stop(), control.stop()]);
    });

    /** Reads everything that an attack could change. */
    const state = async (): Promise<object> => ({
      ...(await snapshot(sdkConfig(aws, aws.credentials))),
      functions: await text(await onMiniStack("/2015-03-31/functions")),
      served: await manage("GET", "/models"),
      // At midnight, the model server starts new log files and compresses the old ones.
      files: (await readdir(paths.root, { recursive: true })).filter((file) => !rotatedLog.test(file)).sort(),
    });
    /** Sends a GET request to MiniStack directly, without the gateway. */
    const onMiniStack = async (path: string): Promise<IncomingMessage> => {
      const [socketPath] = (await listeningSockets(pids)).unix.filter((one) => one.endsWith("/ministack"));
      const [response] = (await once(httpGet({ socketPath, path, agent: false }), "response")) as [IncomingMessage];
      return response;
    };
    /** Opens a page of `origin` that attacks the URL `base`; returns its attempts. */
    const attack = (origin: string, base: string): Promise<Attempt[]> => {
      const presigned = presignedQueries(aws);
      const attacker = `http://127.0.0.1:${control.port}`;
      return attackInBrowser(opened.browser, { origin, base, attacker, presigned });
    };
    const origins = () => [`http://127.0.0.1:${pages.port}`, `http://attacker.example:${pages.port}`];

    it("is tested with attacks that reach and read other ports of this machine", async () => {
      const url = `http://127.0.0.1:${control.port}`;
      for (const origin of origins()) {
        const attempts = await attack(origin, url);
        assert.deepEqual(control.takeReached().sort(), attempts.map(({ name }) => name).sort());
        // A page cannot read the answers to cross-origin forms, frames, beacons and requests without CORS.
        const unread = attempts.filter(({ read }) => read === undefined).map(({ name }) => name);
        assert.deepEqual(
          unread.filter((name) => !/^(form|frame|beacon|no-cors)/.test(name)),
          [],
        );
      }
      const rebound = `http://rebound.example:${control.port}`;
      const unread = (await attack(rebound, rebound)).filter(({ read }) => read === undefined);
      assert.deepEqual(
        unread.map(({ name }) => name),
        ["beacon"],
      );
    });

    it("shows it no data and changes nothing, even in a bucket that everyone may use", async () => {
      const before = await state();
      assert.equal(await (await fetch(`${aws.url}/open/video.mp4`)).text(), "secret");
      const refusals = new Set<string>();
      for (const port of ports()) {
        for (const origin of origins()) {
          const attempts = await attack(origin, `http://127.0.0.1:${port}`);
          assert.deepEqual(
            attempts.filter(({ read }) => read !== undefined),
            [],
            `port ${port}, from ${origin}`,
          );
        }
        // DNS rebinding: the page has the same origin as this port, so it can read every answer.
        const rebound = `http://rebound.example:${port}`;
        for (const { name, read } of await attack(rebound, rebound)) {
          if (read === undefined) continue;
          assert.match(read, /^(403 )?The emulator (is not|accepts no requests)/, `${name} at port ${port}`);
          refusals.add(read);
        }
      }
      assert.ok(refusals.size > 0, "the page has read no answer of the gateway");
      assert.deepEqual(await state(), before);
      assert.equal(control.downloads, 0);
    });
  });

  describe("keeps its secrets", () => {
    const secrets = () => [
      aws.credentials.secretAccessKey,
      instance.tokens.inference.key,
      instance.tokens.management.key,
    ];
    /** Returns the paths of the files below the folder that contain a secret, sorted. */
    const filesWithSecrets = async (): Promise<string[]> => {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      const found: string[] = [];
      for (const entry of entries.filter((one) => one.isFile())) {
        const file = join(entry.parentPath, entry.name);
        const content = await readFile(file, "latin1");
        if (secrets().some((secret) => content.includes(secret))) found.push(file);
      }
      return found.sort();
    };

    it("in files and folders that only the user can read, and out of every command line", async () => {
      assert.equal((await stat(paths.root)).mode & 0o777, 0o700);
      for (const file of [paths.ready, paths.credentials]) assert.equal((await stat(file)).mode & 0o777, 0o600);
      const [, , keyFile = "", ...more] = (await filesWithSecrets()).sort(
        (one, other) => dirname(one).length - dirname(other).length,
      );
      assert.equal(basename(keyFile), "key_file.json");
      assert.equal((await stat(dirname(keyFile))).mode & 0o777, 0o700);
      assert.deepEqual(more, []);
      for (const pid of pids) {
        const commandLine = await readFile(`/proc/${pid}/cmdline`, "latin1");
        assert.ok(!secrets().some((secret) => commandLine.includes(secret)), commandLine);
      }
    });

    it("only until it has stopped", async () => {
      await aws.stop();
      await release(paths);
      assert.deepEqual(pids.filter(isAlive), []);
      assert.deepEqual(await filesWithSecrets(), []);
      const left = await readdir(paths.root);
      assert.ok(left.includes(basename(paths.log)), left.join());
      for (const file of [paths.ready, paths.credentials]) assert.ok(!left.includes(basename(file)), file);
    });
  });
});
