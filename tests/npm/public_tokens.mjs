// Told options of public tokens, and which runs to ask for with each: tells the tokens and what
// they opened. `runs` lists the environment's runs; anything else is the id of a run.
import { auth, runs } from "@trigger.dev/sdk";
import { tell, told } from "./documents.mjs";
import { AT_ONCE, shown } from "./failures.mjs";

async function opened(asked) {
  try {
    if (asked === "runs") {
      const page = await runs.list({ limit: 100 }, AT_ONCE);
      return page.data.map((run) => run.id);
    }
    const run = await runs.retrieve(asked, AT_ONCE);
    return run.id;
  } catch (error) {
    return shown(error);
  }
}

async function tried({ options, asks }) {
  let token;
  try {
    token = await auth.createPublicToken(options);
  } catch (error) {
    return shown(error);
  }
  const answers = {};
  for (const asked of asks) {
    answers[asked] = await auth.withAuth({ accessToken: token }, () => opened(asked));
  }
  return { token, answers };
}

const results = {};
for (const [name, given] of Object.entries(told)) {
  results[name] = await tried(given);
}
tell(results);
