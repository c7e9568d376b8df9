// Fails in the way that the options name: the harness's own test of error reports.
import { command, options, scenario } from "../harness.mjs";

await scenario(async () => {
  if (options.how === "throw") throw new Error("thrown on purpose");
  if (options.how === "later") setTimeout(() => { throw new Error("uncaught on purpose"); }, 1);
  await command("never sent");
});
