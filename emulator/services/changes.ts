/** Tells which calls change something. */

import type { GuardedService } from "../iam/permission.ts";
import type { Handler } from "../wire/service.ts";

/** Names of the operations that only read. */
const reading = /^(Describe|Get|List|Search)/;

/** Returns the service with handlers that call `changed` after each operation that does not only read, even if it fails. */
export function reportingChanges(service: GuardedService, changed: () => void): GuardedService {
  const handlers = Object.entries(service.handlers).map(([name, handle]): [string, Handler<never, object>] => {
    if (reading.test(name)) return [name, handle];
    return [
      name,
      async (input, context) => {
        try {
          return await handle(input, context);
        } finally {
          changed();
        }
      },
    ];
  });
  return { ...service, handlers: Object.fromEntries(handlers) };
}
