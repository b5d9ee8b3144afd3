// Told calls that fail, each with the credential to make it with, tells what the SDK makes of them.
import { auth, runs } from "@trigger.dev/sdk";
import { tell, told } from "./documents.mjs";
import { AT_ONCE, shown } from "./failures.mjs";

async function failure({ call, argument, credential }) {
  try {
    await auth.withAuth({ accessToken: credential }, () => runs[call](argument, AT_ONCE));
  } catch (error) {
    return shown(error);
  }
  throw new Error(`${call} did not fail.`);
}

const failures = {};
for (const [name, given] of Object.entries(told)) {
  failures[name] = await failure(given);
}
tell(failures);
