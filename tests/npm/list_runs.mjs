// Told queries by name, tells the ids of all runs that each one finds, page after page.
// Times come as text and are handed to the SDK as dates, numbers as they are.
import { runs } from "@trigger.dev/sdk";
import { tell, told } from "./documents.mjs";
import { AT_ONCE, shown } from "./failures.mjs";

function query({ from, to, ...others }) {
  return { ...others, ...moment("from", from), ...moment("to", to) };
}

function moment(name, value) {
  if (value === undefined) {
    return {};
  }
  return { [name]: typeof value === "string" ? new Date(value) : value };
}

async function idsOf(given) {
  const ids = [];
  try {
    for await (const run of runs.list(query(given), AT_ONCE)) {
      ids.push(run.id);
    }
  } catch (error) {
    return shown(error);
  }
  return ids;
}

const found = {};
for (const [name, given] of Object.entries(told)) {
  found[name] = await idsOf(given);
}
tell(found);
