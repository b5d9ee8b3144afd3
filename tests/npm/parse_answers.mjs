// Told pairs of a path and the name of a schema, tells what the published schemas make of the
// answers. A schema that refuses an answer ends the script.
import * as core from "@trigger.dev/core/v3";
import { tell, told } from "./documents.mjs";

async function parsed([path, schema]) {
  const response = await fetch(new URL(path, process.env.TRIGGER_API_URL), {
    headers: { Authorization: `Bearer ${process.env.TRIGGER_SECRET_KEY}` },
  });
  return core[schema].parse(await response.json());
}

tell(await Promise.all(told.map(parsed)));
