/** The credentials of the local AWS's account: MiniStack verifies presigned URLs by them, nothing else here asks for any. */
export const localCredentials = { accessKeyId: "local", secretAccessKey: "local" } as const;
