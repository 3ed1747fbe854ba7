/** Tests that jobs treat reports, which a pull request's code writes, as data. */
import assert from "node:assert/strict";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { folded, readReports, writeReport } from "./report.ts";

describe("a report", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "reports-"));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  const write = async (name: string, content: unknown): Promise<void> => {
    await writeFile(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
  };

  it("is read back unchanged, from a folder that the step creates", async () => {
    const report = { stack: "dev", outcome: "passed", text: "+ 58 to create\n" } as const;
    await writeReport(join(folder, "a", "b", "dev.json"), report);
    assert.deepEqual(await readReports(join(folder, "a", "b"), ["dev"]), [report]);
  });

  it("is cut when it is written, so that it can be read", async () => {
    const file = join(folder, "dev.json");
    await writeReport(file, { stack: "dev", outcome: "passed", text: "\u0001".repeat(400_000) });
    const [report] = await readReports(folder, ["dev"]);
    assert.match(report?.text ?? "", /characters more in the job's log$/);
  });

  it("is read only for an expected stack", async () => {
    await write("dev.json", { stack: "dev", outcome: "passed", text: "" });
    await write("## @everyone.json", { stack: "## @everyone", outcome: "passed", text: "" });
    assert.deepEqual(
      (await readReports(folder, ["prod", "dev"])).map(({ stack, outcome }) => [stack, outcome]),
      [
        ["dev", "passed"],
        ["prod", "failed"],
      ],
    );
  });

  for (const [what, content] of [
    ["of another stack", { stack: "prod", outcome: "passed", text: "" }],
    ["with an unknown outcome", { stack: "dev", outcome: "approved", text: "" }],
    ["with another field", { stack: "dev", outcome: "passed", text: "", body: "x" }],
    ["that is not JSON", "{"],
    ["that is too large", { stack: "dev", outcome: "passed", text: " ".repeat(2 * 1024 * 1024) }],
  ] as const) {
    it(`is refused ${what}`, async () => {
      await write("dev.json", content);
      await assert.rejects(readReports(folder, ["dev"]), {
        name: "UserError",
        message: /dev\.json is not a report/,
      });
    });
  }

  it("is refused if it is a link", async () => {
    await write("secret", { stack: "dev", outcome: "passed", text: "" });
    await symlink(join(folder, "secret"), join(folder, "dev.json"));
    await assert.rejects(readReports(folder, ["dev"]), /is not a report/);
  });

  it("shows its text printable and redacted, where neither Markdown nor a mention has an effect", async () => {
    const text = "````\n@team <!-- x --> [a](https://evil) \u202e arn:aws:iam::123456789012:role/x\n`````";
    await write("dev.json", { stack: "dev", outcome: "passed", text });
    const [report] = await readReports(folder, ["dev"]);
    const shown = folded("What", report?.text ?? "");
    assert.match(shown, /\n``````text\n````\n@team[^]*\\u202e arn:aws:iam::<account>:role\/x\n`````\n``````\n/);
  });
});
