// Told ids of runs, tells the runs.
import { runs } from "@trigger.dev/sdk";
import { tell, told } from "./documents.mjs";

tell(await Promise.all(told.map((id) => runs.retrieve(id))));
