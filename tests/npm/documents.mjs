// What a test tells a script stands on its standard input, and what the script saw on its
// standard output: one JSON document each.
import { json } from "node:stream/consumers";

export const told = await json(process.stdin);

export function tell(document) {
  process.stdout.write(`${JSON.stringify(document)}\n`);
}
