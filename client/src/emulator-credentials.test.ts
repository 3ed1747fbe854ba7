import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { emulatorCredentials } from "./emulator-credentials.ts";

const region = "us-east-1";
const own = { AWS_ACCESS_KEY_ID: "own", AWS_SECRET_ACCESS_KEY: "secret", AWS_SESSION_TOKEN: "token" };

describe("credentials for a stack on the emulator", () => {
  let folder: string;
  let file: string;
  let server: Server;
  let endpoint: string;
  let code: string | undefined;
  let asked: number;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "credentials-"));
    file = join(folder, "credentials");
    await writeFile(file, "[default]\naws_access_key_id = admin\naws_secret_access_key = secret\n");
    [code, asked] = [undefined, 0];
    server = createServer((request, response) => {
      asked += 1;
      request.resume();
      response.writeHead(code === undefined ? 200 : 403, { "content-type": "text/xml" });
      response.end(
        code === undefined
          ? "<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>"
          : `<ErrorResponse><Error><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`,
      );
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });

  const keyOf = async (environment: NodeJS.ProcessEnv): Promise<string> =>
    (await emulatorCredentials(file, { endpoint, region }, environment)()).accessKeyId;

  it("are the administrator's without credentials in the environment", async () => {
    assert.equal(await keyOf({}), "admin");
    assert.equal(asked, 0);
  });

  it("are the environment's if the emulator knows them", async () => {
    const provider = emulatorCredentials(file, { endpoint, region }, own);
    assert.deepEqual(await provider(), { accessKeyId: "own", secretAccessKey: "secret", sessionToken: "token" });
    await provider();
    assert.equal(asked, 1);
  });

  it("are the administrator's if the emulator does not know the environment's", async () => {
    code = "InvalidClientTokenId";
    assert.equal(await keyOf(own), "admin");
  });

  it("are the environment's if their session has expired, so that calls fail", async () => {
    code = "ExpiredToken";
    assert.equal(await keyOf(own), "own");
  });
});
