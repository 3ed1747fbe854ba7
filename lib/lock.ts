/** The lock between processes, which the setup uses before the packages exist. */
export { handOver, liveOwner, ownerRecord, tryLock, unlock } from "../tools/lock.mjs";
export type { Owner } from "../tools/lock.mjs";
