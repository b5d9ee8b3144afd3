// Loaded before everything else: ends a process that would talk to another machine, even where
// the code that tries would swallow the failure.
import net from "node:net";
import process from "node:process";

const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);
const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function (...given) {
  // Node's own modules hand the arguments over as one list.
  const [options] = Array.isArray(given[0]) ? given[0] : given;
  const host = typeof options === "object" ? options.host : given[1];
  const isLocal = typeof options === "object" && options.path !== undefined;
  if (!isLocal && !LOOPBACK.has(host ?? "localhost")) {
    process.stderr.write(`A connection to ${host} was asked for.\n`);
    process.exit(97);
  }
  return connect.apply(this, given);
};
