import assert from "node:assert/strict";
import { describe, it } from "mocha";
import language from "@pulumi/pulumi/proto/language_pb.js";
import type { ProgramInfo, RunPluginRequest, RunRequest } from "@pulumi/pulumi/proto/language_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { Machine } from "../testing/machine.ts";
import { languageHost } from "../paths.mjs";
import { pluginCommand, programCommand } from "./language-host.mjs";

const resolve = (module: string) => `/modules/${module}`;

function info(options: Record<string, boolean | string> = { typescript: false }): ProgramInfo {
  const program = new language.ProgramInfo();
  program.setRootDirectory("/project");
  program.setProgramDirectory("/project/infra");
  program.setEntryPoint("index.ts");
  program.setOptions(struct.Struct.fromJavaScript(options));
  return program;
}

function runRequest(): RunRequest {
  const request = new language.RunRequest();
  request.setMonitorAddress("127.0.0.1:2");
  request.setProject("video");
  request.setStack("local");
  request.setPwd("/project/infra");
  request.setParallel(16);
  request.setInfo(info());
  request.getConfigMap().set("aws:region", "eu-west-1");
  request.setConfigsecretkeysList(["video:word"]);
  return request;
}

function pluginRequest(kind: string): RunPluginRequest {
  const request = new language.RunPluginRequest();
  request.setKind(kind);
  request.setPwd("/project");
  request.setArgsList(["127.0.0.1:1"]);
  request.setInfo(info());
  return request;
}

describe("the command that runs a program", () => {
  it("is Pulumi's runner with the flags and the config of the engine's request", () => {
    const { args, env } = programCommand("127.0.0.1:1", runRequest().toObject(), resolve);
    assert.deepEqual(args, [
      "/modules/@pulumi/pulumi/cmd/run",
      ...["--monitor", "127.0.0.1:2"],
      ...["--engine", "127.0.0.1:1"],
      ...["--project", "video"],
      ...["--stack", "local"],
      ...["--root-directory", "/project"],
      ...["--pwd", "/project/infra"],
      ...["--parallel", "16"],
      "index.ts",
    ]);
    assert.deepEqual(env, {
      PULUMI_CONFIG: '{"aws:region":"eu-west-1"}',
      PULUMI_CONFIG_SECRET_KEYS: '["video:word"]',
      PULUMI_NODEJS_TYPESCRIPT: "false",
    });
  });

  it("has the flags for a preview and an organization", () => {
    const request = runRequest();
    request.setDryrun(true);
    request.setOrganization("organization");
    const { args } = programCommand("127.0.0.1:1", request.toObject(), resolve);
    assert.ok(args.includes("--dry-run"));
    assert.equal(args[args.indexOf("--organization") + 1], "organization");
  });

  it("leaves type checking on unless the project turns it off", () => {
    const request = runRequest();
    request.setInfo(info({}));
    assert.equal(programCommand("", request.toObject(), resolve).env.PULUMI_NODEJS_TYPESCRIPT, "true");
  });

  it("is refused for an unsupported runtime option", () => {
    const request = runRequest();
    request.setInfo(info({ nodeargs: "--trace-gc" }));
    assert.throws(() => programCommand("", request.toObject(), resolve), /"nodeargs" in \/project is not supported/);
  });
});

describe("the command that runs a plugin", () => {
  it("is the runner of policy packs for an analyzer, in the pack's folder", () => {
    assert.deepEqual(pluginCommand(pluginRequest("analyzer").toObject(), resolve), {
      args: ["/modules/@pulumi/pulumi/cmd/run-policy-pack", "127.0.0.1:1", "/project/infra"],
      cwd: "/project/infra",
    });
  });

  it("is the runner of plugins for another kind", () => {
    assert.deepEqual(pluginCommand(pluginRequest("resource").toObject(), resolve), {
      args: ["/modules/@pulumi/pulumi/cmd/run-plugin", "/project/infra", "127.0.0.1:1"],
      cwd: "/project",
    });
  });
});

describe("the language host as a command", () => {
  it("prints its usage and has status 1 without an engine's address", async () => {
    await using machine = await Machine.create();
    const { status, stderr } = await machine.run(languageHost);
    assert.equal(status, 1);
    assert.match(stderr, /the Pulumi engine starts it/);
  });
});
