// Two pages of the chat, whose server is killed and started again.
import { command, report, scenario } from "../harness.mjs";
import { withPages } from "./pages.mjs";

const PHONE = { viewport: { width: 360, height: 640 }, colorScheme: "dark" };
const texts = (page) =>
  page.locator("li").evaluateAll((items) => items.map((item) => item.textContent.replace(/^Guest \d+ /, "")));

async function say(page, text) {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
}

await scenario(() =>
  withPages(async (open) => {
    const [ann, bob] = [await open(), await open("/", PHONE)];
    const all = (act) => Promise.all([ann, bob].map(act));
    const see = (text) => all((page) => page.locator("li:not(.pending)").getByText(text).waitFor());
    await all((page) => page.getByText("connected as").waitFor());
    await say(ann, "hello");
    await say(bob, "good morning");
    await see("hello");
    await see("good morning");
    await bob.reload();
    await see("good morning");
    const before = await all(texts);
    report("ready");

    await command("killed");
    await all((page) => page.getByText("offline").waitFor());
    await say(ann, "is anybody there?");
    await ann.locator(".pending").waitFor();
    report("offline");

    await command("started");
    await see("is anybody there?");
    await say(bob, "again");
    await see("again");
    const width = await bob.evaluate(() => document.documentElement.scrollWidth);
    return { before, after: await all(texts), width };
  }),
);
