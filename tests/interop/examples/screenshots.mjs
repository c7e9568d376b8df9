// The pictures of the gallery: started by `python -m tests.examples.screenshots`.
import { options, scenario } from "../harness.mjs";
import { withPages } from "./pages.mjs";

const DEVICE = { viewport: { width: 880, height: 560 }, colorScheme: "light" };

/** By example: bring a page to where it is worth a picture, and return it. */
const pictures = {
  async cluster_chat(open) {
    const [ann, bob] = [await open("/", DEVICE), await open("/", DEVICE)];
    const say = async (page, text) => {
      await page.locator("input").fill(text);
      await page.keyboard.press("Enter");
    };
    await say(ann, "Ann");
    await ann.getByText("welcome").waitFor();
    await say(bob, "Bob");
    await ann.getByText("Bob has joined").waitFor();
    await say(bob, "Which server are you connected with?");
    await ann.getByText("Which server").waitFor();
    await say(ann, "With another one than you, and here we are.");
    await bob.locator("input").pressSequentially("Nice");
    await ann.getByText("Bob typing…").waitFor();
    return ann;
  },

  async custom_parsers(open) {
    const page = await open("/", { ...DEVICE, viewport: { width: 880, height: 400 } });
    await page.getByText("9 of 9").waitFor();
    return page;
  },

  async react_chat(open) {
    const [ann, bob] = [await open("/", DEVICE), await open("/", DEVICE)];
    const say = async (page, text) => {
      await page.getByText("connected as").waitFor();
      await page.locator("input").fill(text);
      await page.keyboard.press("Enter");
    };
    await say(bob, "Does it survive a tunnel?");
    await ann.getByText("tunnel").waitFor();
    await say(ann, "It does. Just a second…");
    await bob.getByText("a second").waitFor();
    await say(bob, "Are you there?");
    await ann.getByText("Are you there?").waitFor();
    return ann;
  },

  async tweet_stream(open) {
    const page = await open("/", DEVICE);
    await page.locator("li").nth(3).waitFor();
    return page;
  },

  async vue_poll(open) {
    const device = { ...DEVICE, viewport: { width: 880, height: 400 } };
    const drinks = ["tea", "coffee", "coffee", "tea", "water", "tea"];
    const pages = await Promise.all(drinks.map(() => open("/", device)));
    for (const [number, page] of pages.entries()) await page.getByLabel(drinks[number]).click();
    await pages[0].getByText("6 votes").waitFor();
    return pages[0];
  },
};

await scenario(() =>
  withPages(async (open) => {
    const page = await pictures[options.example](open);
    await page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished)));
    await page.screenshot({ path: options.path });
  }),
);
