import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, it } from "mocha";
import { STSClient, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { throughProxy, useProxies, withoutLoopback } from "./proxies.ts";

const names = ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "no_proxy"];

describe("the environment's proxies", () => {
  let proxy: Server;
  let asked: string[];
  let before: (string | undefined)[];

  beforeEach(async () => {
    before = names.map((name) => process.env[name]);
    asked = [];
    proxy = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.end();
    });
    proxy.on("connect", (request, socket) => {
      asked.push(request.url ?? "");
      socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    Object.assign(process.env, { HTTPS_PROXY: url, HTTP_PROXY: url });
  });
  afterEach(async () => {
    names.forEach((name, index) => {
      const value = before[index];
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    });
    useProxies();
    proxy.closeAllConnections();
    proxy.close();
    await once(proxy, "close");
  });

  it("are not for this machine, in both spellings of the variable", () => {
    const hosts = "10.0.0.1,b.example,127.0.0.1,localhost,::1";
    assert.deepEqual(withoutLoopback({ NO_PROXY: "10.0.0.1, b.example", no_proxy: "b.example" }), {
      NO_PROXY: hosts,
      no_proxy: hosts,
    });
  });

  it("are used by fetch, for other machines only", async () => {
    useProxies();
    await assert.rejects(fetch("https://api.example/"));
    const here = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/here`;
    await fetch(here);
    assert.deepEqual(asked, ["api.example:443", "/here"]);
  });

  it("are used by AWS's clients", async () => {
    const client = new STSClient({
      region: "us-east-1",
      credentials: { accessKeyId: "a", secretAccessKey: "b" },
      maxAttempts: 1,
      requestHandler: { connectionTimeout: 5_000, requestTimeout: 5_000, ...throughProxy },
    });
    await assert.rejects(client.send(new GetCallerIdentityCommand({})));
    client.destroy();
    assert.deepEqual(asked, ["sts.us-east-1.amazonaws.com:443"]);
  });
});
