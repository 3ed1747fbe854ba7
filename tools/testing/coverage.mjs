/**
 * Lets a worker of mocha write its coverage before it ends: mocha sends SIGTERM to a worker that has not ended within a second, and
 * on a busy machine Node needs longer to write the file. While Node writes it, a signal that has a listener waits.
 */
if ("NODE_V8_COVERAGE" in process.env) process.on("SIGTERM", () => process.exit());
