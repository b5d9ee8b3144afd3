// Told a query, tells the pages that are seen when turning from the first one forth, back, and
// forth again.
import { runs } from "@trigger.dev/sdk";
import { tell, told } from "./documents.mjs";

function seen(page) {
  return {
    ids: page.data.map((run) => run.id),
    hasNext: page.hasNextPage(),
    hasPrevious: page.hasPreviousPage(),
  };
}

const first = await runs.list(told);
const second = await first.getNextPage();
const back = await second.getPreviousPage();
const again = await back.getNextPage();
tell([first, second, back, again].map(seen));
