import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, it } from "mocha";
import { InterruptedError } from "../../lib/errors.ts";
import { freePort } from "../../lib/ports.ts";
import { attachLocalRoles, detachLocalRoles, roleCredentials } from "./roles.ts";

describe("the roles of the stack local", () => {
  it("report the interrupt, not the emulator that it has stopped", async () => {
    const credentials = { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "secret" };
    const access = {
      url: `http://127.0.0.1:${await freePort()}`,
      region: "us-east-1",
      accountId: "000000000000",
      credentials,
    };
    const policies = {
      callerPolicyArn: "arn:aws:iam::000000000000:policy/a",
      operatorPolicyArn: "arn:aws:iam::000000000000:policy/b",
    };
    const interrupt = new InterruptedError("SIGINT", 130);
    const signal = AbortSignal.abort(interrupt);
    await assert.rejects(attachLocalRoles(access, policies, signal), interrupt);
    await assert.rejects(detachLocalRoles(access, signal), interrupt);
  });
});

describe("the credentials of a role of the stack local", () => {
  let server: Server;
  let sessions: number;
  /** Minutes that a session lasts. */
  let minutes: number;
  /** Number of calls of AssumeRole that fail. */
  let failures: number;

  beforeEach(async () => {
    [sessions, minutes, failures] = [0, 60, 0];
    server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        response.setHeader("content-type", "text/xml");
        if (body.includes("Action=GetRole")) {
          const role = "<Arn>arn:aws:iam::000000000000:role/local-caller</Arn><RoleName>local-caller</RoleName>";
          response.end(`<GetRoleResponse><GetRoleResult><Role>${role}</Role></GetRoleResult></GetRoleResponse>`);
          return;
        }
        if (failures > 0) {
          failures -= 1;
          response.writeHead(400);
          response.end(
            "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not yet</Message></Error></ErrorResponse>",
          );
          return;
        }
        sessions += 1;
        const expiration = new Date(Date.now() + minutes * 60_000).toISOString();
        const session = `<AccessKeyId>ASIA${sessions}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken><Expiration>${expiration}</Expiration>`;
        response.end(
          `<AssumeRoleResponse><AssumeRoleResult><Credentials>${session}</Credentials></AssumeRoleResult></AssumeRoleResponse>`,
        );
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const providerOf = () =>
    roleCredentials(
      {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        region: "us-east-1",
        accountId: "000000000000",
        credentials: { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "secret" },
      },
      "caller",
    );
  const keysOf = async (): Promise<string[]> => {
    const provider = providerOf();
    return [(await provider()).accessKeyId, (await provider()).accessKeyId];
  };

  it("are those of one session", async () => {
    assert.deepEqual(await keysOf(), ["ASIA1", "ASIA1"]);
  });

  it("are those of a new session after a call that failed", async () => {
    const provider = providerOf();
    failures = 1;
    await assert.rejects(provider(), { name: "AccessDenied" });
    assert.equal((await provider()).accessKeyId, "ASIA1");
  });

  it("are those of a new session ten minutes before the end", async () => {
    minutes = 9;
    assert.deepEqual(await keysOf(), ["ASIA1", "ASIA2"]);
  });
});
