// Fingerprint v1 as its description says it, by JavaScript's own regular expressions.
//
// Reads one JSON value a line, writes {"fingerprint", "key"} a line. The Python module must give
// the same answer for every input; this one may be slow, that one may not.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const MESSAGE_RULES = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, "<uuid>"],
  [/run_[a-zA-Z0-9]+/g, "<run-id>"],
  [/\b[a-z]+_[a-zA-Z0-9]{8,}\b/g, "<id>"],
  [/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z?/g, "<timestamp>"],
  [/\b\d{10,13}\b/g, "<timestamp>"],
  [/https?:\/\/\S+/g, "<url>"],
  [/\b\d{4,}\b/g, "<id>"],
  [/(?:\/[^/\s]+){2,}/g, "<path>"],
  [/[A-Z]:\\(?:[^\\]+\\)+[^\\]+/g, "<path>"],
  [/\b[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z|]{2,}\b/g, "<email>"],
  [/0x[0-9a-fA-F]{8,}/g, "<addr>"],
  [/"[^"]{20,}"/g, '"<string>"'],
  [/'[^']{20,}'/g, "'<string>'"],
];

const STACK_RULES = [
  [/:\d+:\d+/g, ":_:_"],
  [/\b\d+\b/g, "_"],
  [/(?:\/[^/\s]+)+\/([^/\s]+)/g, "$1"],
];

const applied = (rules, text) =>
  rules.reduce((left, [pattern, replacement]) => left.replace(pattern, replacement), text);

// String() throws for an object with a member "toString"; such an object counts like any other.
function textOf(value) {
  try {
    return String(value);
  } catch {
    return Array.isArray(value)
      ? value.map((item) => (item === null ? "" : textOf(item))).join(",")
      : "[object Object]";
  }
}

function keyOf(error) {
  const type = textOf(error.type || error.name || "Error");
  const message = textOf(error.message || error.name || error.raw || "");
  const stack = textOf(error.stack || error.stacktrace || "");
  const lines = stack
    .split("\n")
    .slice(0, 5)
    .map((line) => applied(STACK_RULES, line).trim())
    .filter((line) => line !== "");
  return `${type}:${applied(MESSAGE_RULES, message)}:${lines.join("|")}`;
}

function answer(error) {
  if (typeof error !== "object" || error === null || Array.isArray(error)) {
    return { fingerprint: "", key: "" };
  }
  const key = keyOf(error);
  const digest = createHash("sha256").update(key, "utf8").digest("hex");
  return { fingerprint: digest.slice(0, 16), key: key.toWellFormed() };
}

const lines = readFileSync(0, "utf8").split("\n").filter((line) => line !== "");
const answers = lines.map((line) => `${JSON.stringify(answer(JSON.parse(line)))}\n`);
process.stdout.write(answers.join(""));
