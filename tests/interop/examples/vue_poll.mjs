// Three windows of two voters, whose server is killed and started again.
import { command, report, scenario } from "../harness.mjs";
import { withPages } from "./pages.mjs";

const PHONE = { viewport: { width: 360, height: 640 }, colorScheme: "dark" };

/** The votes that a page shows, and its own. */
const state = (page) =>
  page.locator("label").evaluateAll((labels) =>
    Object.fromEntries(
      labels.map((label) => [
        label.querySelector("span").textContent,
        [parseInt(label.querySelector(".count").textContent), label.querySelector("input").checked],
      ]),
    ),
  );

await scenario(() =>
  withPages(async (open) => {
    const [ann, bob] = [await open(), await open("/", PHONE)];
    const second = await ann.context().newPage();
    await second.goto(ann.url());
    const all = (act) => Promise.all([ann, second, bob].map(act));
    const total = (count) => all((page) => page.getByText(`connected, ${count} votes`).waitFor());
    await total(0);
    await ann.getByLabel("tea").click();
    await total(1);
    await bob.getByLabel("tea").click();
    await total(2);
    await second.locator("input[value=tea]:checked").waitFor();
    await ann.getByLabel("coffee").click();
    await second.locator("input[value=coffee]:checked").waitFor();
    await all((page) => page.getByText("1 (50 %)").nth(1).waitFor());
    const before = await all(state);
    report("ready");

    await command("killed");
    await all((page) => page.getByText("offline").waitFor());
    await bob.getByLabel("water").click();
    report("offline");

    await command("started");
    await total(1);
    const width = await bob.evaluate(() => document.documentElement.scrollWidth);
    return { before, after: await all(state), width };
  }),
);
