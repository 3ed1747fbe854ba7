/** AWS's API models for tests, loaded once. */

import { ministackPython } from "../../tools/paths.mjs";
import { botocoreDataFolder, loadApiModel } from "../wire/model.ts";
import type { ApiModel } from "../wire/model.ts";

export const ownModels = ["sagemaker", "sagemaker-runtime", "application-autoscaling", "cloudwatch"] as const;

const loaded = new Map<string, Promise<ApiModel>>();

/** Returns the model of that name, from the botocore of MiniStack's environment. */
export function testModel(name: (typeof ownModels)[number]): Promise<ApiModel> {
  let model = loaded.get(name);
  if (model === undefined) {
    model = botocoreDataFolder(ministackPython).then((folder) => loadApiModel(folder, name));
    loaded.set(name, model);
  }
  return model;
}
