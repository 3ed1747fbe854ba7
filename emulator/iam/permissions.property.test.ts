/** Tests that the permissions of every request are ones that AWS's Service Authorization Reference has. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import fc from "fast-check";
import { ownModels, testModel } from "../testing/api-models.ts";
import { testRole } from "../testing/fake-aws.ts";
import { guardedServices } from "../testing/guarded-services.ts";
import type { GuardedExample, GuardedExamples } from "../testing/guarded-services.ts";
import type { ApiModel } from "../wire/model.ts";
import type { Permission } from "./permission.ts";
import data from "./service-authorization.json" with { type: "json" };

interface ActionData {
  readonly resourceTypes: readonly string[];
  readonly needsResource: boolean;
  readonly conditionKeys: readonly string[];
}

const actions: Readonly<Record<string, ActionData>> = data.actions;
const resourceTypes: Readonly<Record<string, { arn: string; conditionKeys: readonly string[] }>> = data.resourceTypes;

/** Generates inputs as the gateway decodes them, before it checks them: any member may be missing. */
function inputOf(
  model: ApiModel,
  shapeName: string,
  example: GuardedExample,
  member = "",
  depth = 0,
): fc.Arbitrary<unknown> {
  const shape = model.shape(shapeName);
  switch (shape.type) {
    case "structure": {
      if (depth > 4) return fc.constant({});
      const members = Object.entries(shape.members ?? {}).map(
        ([name, ref]) => [name, inputOf(model, ref.shape, example, name, depth + 1)] as const,
      );
      return fc.record(Object.fromEntries(members), { requiredKeys: [] });
    }
    case "list":
      return fc.array(inputOf(model, shape.member?.shape ?? "", example, member, depth + 1), { maxLength: 3 });
    case "map":
      return fc.dictionary(fc.string(), inputOf(model, shape.value?.shape ?? "", example, member, depth + 1), {
        maxKeys: 3,
      });
    case "boolean":
      return fc.boolean();
    case "integer":
    case "long":
    case "float":
    case "double":
      return fc.integer();
    case "timestamp":
      return fc.date({ noInvalidDate: true });
    case "blob":
      return fc.uint8Array();
    default:
      if (member === "ExecutionRoleArn") return fc.constant(testRole);
      if (/^ResourceArn$/i.test(member)) return fc.constantFrom(...example.arns);
      return fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom(...example.names));
  }
}

/** Makes the expression for an ARN or a condition key with variables such as `${TagKey}`. */
function pattern(format: string): RegExp {
  const parts = format.split(/\$\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "su");
}

function check({ action, resource, context }: Permission): void {
  const known = actions[action];
  assert.ok(known, action);
  const types = known.resourceTypes.flatMap((type) => resourceTypes[type] ?? []);
  assert.ok(
    resource === "*" ? !known.needsResource : types.some(({ arn }) => pattern(arn).test(resource)),
    `${action} on ${resource}`,
  );
  const keys = [...known.conditionKeys, ...types.flatMap(({ conditionKeys }) => conditionKeys)];
  for (const [key, value] of Object.entries(context)) {
    assert.ok(
      keys.some((each) => pattern(each).test(key)),
      `${key} of ${action}`,
    );
    for (const each of [value].flat()) assert.equal(typeof each, "string", key);
  }
}

describe("The permissions of", () => {
  let services: GuardedExamples;
  let stop: () => Promise<void>;
  const models = new Map<string, ApiModel>();
  const used = new Set<string>();

  before(async () => {
    ({ services, stop } = await guardedServices());
    for (const name of ownModels) models.set(name, await testModel(name));
  });
  after(() => stop());

  const generated = (name: (typeof ownModels)[number], operation: string): fc.Arbitrary<unknown> => {
    const model = models.get(name);
    const shape = model?.operation(operation)?.input?.shape;
    return model === undefined || shape === undefined ? fc.constant({}) : inputOf(model, shape, services[name]);
  };

  for (const name of ownModels) {
    describe(name, () => {
      it("are listed for exactly the operations that it implements", () => {
        const { handlers, permissions } = services[name].service;
        assert.deepEqual(Object.keys(permissions.operations).sort(), Object.keys(handlers).sort());
      });

      it("start with the operation's own action and exist in the Service Authorization Reference", async () => {
        const { service, prefix } = services[name];
        const { operations, tested } = service.permissions;
        for (const [operation, permissionsOf] of Object.entries(operations)) {
          await fc.assert(
            fc.asyncProperty(generated(name, operation), async (input) => {
              const own = await permissionsOf(input as never);
              assert.equal(own[0]?.action, `${prefix}:${operation}`);
              const others = (await tested?.operations[operation]?.(input as never)) ?? [];
              for (const each of [...own, ...others]) {
                check(each);
                used.add(each.action);
              }
            }),
          );
        }
      });
    });
  }

  // After the others, which collect the actions.
  describe("all services", () => {
    it("include every action in service-authorization.json", () => {
      assert.deepEqual([...used].sort(), Object.keys(actions).sort());
    });
  });
});
