import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { commandOf, parseImageCommand } from "./image-commands.ts";

const repository = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/model";

describe("The option --image", () => {
  it("has an image and a command, which may contain =", () => {
    assert.deepEqual(parseImageCommand(`${repository}=A=1 python serve.py`), {
      image: repository,
      command: "A=1 python serve.py",
    });
  });

  for (const text of ["", repository, `${repository}=`, `${repository}= `, "=python serve.py", "an image=python"]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.equal(parseImageCommand(text), undefined);
    });
  }

  const commands = [
    { image: repository, command: "team" },
    { image: `${repository}:2`, command: "two" },
    { image: "123456789012.dkr.ecr.us-east-1.amazonaws.com", command: "registry" },
  ];
  for (const [image, expected] of [
    [repository, "team"],
    [`${repository}:1`, "team"],
    [`${repository}@sha256:${"0".repeat(64)}`, "team"],
    [`${repository}:2`, "two"],
    [`${repository}-gpu:1`, "registry"],
    ["123456789012.dkr.ecr.us-east-1.amazonaws.community/model:1", undefined],
  ] as const) {
    it(`maps ${image} to ${String(expected)}`, () => {
      assert.equal(commandOf(commands, image), expected);
    });
  }
});
