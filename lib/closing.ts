/** Closes clients at the end of a block. */

/** Makes a client disposable, for `using`: disposing of it closes its connections. */
export function closing<Client extends { destroy(): void }>(client: Client): Client & Disposable {
  return Object.assign(client, {
    [Symbol.dispose]() {
      client.destroy();
    },
  });
}
