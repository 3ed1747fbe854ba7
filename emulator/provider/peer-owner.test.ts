import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { promisify } from "node:util";
import { describe, it } from "mocha";
import { credentials, Server, ServerCredentials } from "@grpc/grpc-js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { testCredentials } from "../testing/test-gateway.ts";
import { ProviderError } from "./errors.ts";
import { checkPeerOwner, ownerOf } from "./peer-owner.ts";
import { Service } from "./service.ts";
import { startTestProvider } from "./testing/provider.ts";
import { answerOf } from "./testing/resource.ts";

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 11 1 0 100 0 0 10 0
   1: 0100007F:D431 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 12 1 0 20 4 30 10 -1
   2: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 13 1 0 20 4 30 10 -1
`;

describe("the owner of a connection's peer", () => {
  it("is the user of the connecting socket, not of the listening one", () => {
    assert.equal(ownerOf(table, "127.0.0.1:54321", 8080), 1001);
  });

  it("is unknown for a connection that is not in the table, or not IPv4", () => {
    assert.equal(ownerOf(table, "127.0.0.1:54322", 8080), undefined);
    assert.equal(ownerOf(table, "unknown", 8080), undefined);
  });

  it("is this user for a connection of this process", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    await checkPeerOwner(`127.0.0.1:${(socket.address() as AddressInfo).port}`, port);
    await assert.rejects(
      checkPeerOwner("127.0.0.1:1", port),
      /only, and 127\.0\.0\.1:1 belongs to a process that has ended/,
    );
    socket.destroy();
    server.close();
  });

  it("is checked at each call, since a port may pass from one user's process to another's", async () => {
    const asked: string[] = [];
    const options = { endpoint: "http://127.0.0.1:9", region: "us-east-1", credentials: testCredentials };
    const service = new Service(options, async (address) => {
      await Promise.resolve();
      asked.push(address);
      if (asked.length > 1) throw new ProviderError("the port belongs to user 1001 now");
    });
    const server = new Server();
    server.addService(providerGrpc.ResourceProviderService, service.implementation());
    const port = await promisify(server.bindAsync.bind(server))("127.0.0.1:0", ServerCredentials.createInsecure());
    const client = new providerGrpc.ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure());
    const call = () => answerOf<unknown>((answer) => client.getPluginInfo(new emptyProto.Empty(), answer));
    try {
      await call();
      await assert.rejects(call(), /the port belongs to user 1001 now/);
      assert.equal(new Set(asked).size, 1);
    } finally {
      client.close();
      server.forceShutdown();
    }
  });

  // Only root may start a process as another user.
  if (process.getuid?.() === 0) {
    it("is refused by the provider if it is another user", async () => {
      const aws = await startTestProvider("http://127.0.0.1:9");
      const program = `import { Client, credentials } from ${JSON.stringify(import.meta.resolve("@grpc/grpc-js"))};
const client = new Client("127.0.0.1:${aws.port}", credentials.createInsecure());
const same = (value) => value;
const call = [same, same, Buffer.alloc(0)];
client.makeUnaryRequest("/pulumirpc.ResourceProvider/GetPluginInfo", ...call, (error) => {
  console.log(error?.details ?? "answered");
  client.close();
});`;
      const ask = async (uid: number) =>
        (await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], { uid })).stdout;
      assert.match(await ask(65_534), /serves processes of user 0 only/);
      assert.match(await ask(0), /answered/);
      await aws.stop();
    });
  }
});
