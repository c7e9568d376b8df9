// Two pages of the stream: the second one comes later, and shows what came before it.
import { scenario } from "../harness.mjs";
import { withPages } from "./pages.mjs";

/** Each with its time, by which texts that are the same by chance differ. */
const texts = (page) =>
  page.locator("li").evaluateAll((items) =>
    items.map((item) => `${item.querySelector("time").dateTime} ${item.innerText}`),
  );

await scenario(() =>
  withPages(async (open) => {
    const first = await open();
    await first.getByText("connected", { exact: true }).waitFor();
    await first.locator("li").first().waitFor();
    const second = await open("/", { viewport: { width: 360, height: 640 }, colorScheme: "dark" });
    await second.locator("li").nth(1).waitFor();
    await first.locator("li").nth(1).waitFor();
    const width = await second.evaluate(() => document.documentElement.scrollWidth);
    const background = await second.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const ofSecond = await texts(second);
    let ofFirst = await texts(first);
    while (!ofSecond.every((text) => ofFirst.includes(text))) ofFirst = await texts(first); // it may be behind
    return { first: ofFirst, second: ofSecond, width, background };
  }),
);
