// The built documentation in a real browser: what it requests, copies, finds, and which colours it has.
// It is started in the folder tests/interop, where the packages are.

import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { options, scenario, url } = await import(
  pathToFileURL(join(process.cwd(), "harness.mjs"))
);
const { chromium } = createRequire(join(process.cwd(), "package.json"))("playwright-core");

const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
const { host } = new URL(url);
const foreign = new Set(); // addresses on other hosts that pages have asked for

async function openSite(browser, settings = {}) {
  const context = await browser.newContext(settings);
  const page = await context.newPage();
  page.on("request", (request) => {
    const address = new URL(request.url());
    if (address.protocol.startsWith("http") && address.host !== host) foreign.add(request.url());
  });
  return page;
}

/** What the button copies of the first commands of a page. */
async function copied(browser) {
  const page = await openSite(browser, { permissions: ["clipboard-read", "clipboard-write"] });
  await page.goto(`${url}${options.copy}`);
  const block = page.locator(".highlight", { has: page.locator(".gp") }).first();
  await block.hover();
  await block.locator("button").first().click();
  await page.locator(".md-dialog--active").waitFor();
  return page.evaluate(() => navigator.clipboard.readText());
}

async function scheme(browser, colorScheme) {
  const page = await openSite(browser, { colorScheme });
  await page.goto(url);
  return page.evaluate(() => document.body.getAttribute("data-md-color-scheme"));
}

/** The pages that the search names first, for each word. */
async function found(browser) {
  const page = await openSite(browser);
  const results = {};
  for (const word of options.words) {
    await page.goto(url);
    await page.locator(".md-search__button").click();
    await page.getByRole("combobox").fill(word);
    const first = page.getByRole("option").filter({ hasText: new RegExp(word, "i") }).first();
    await first.waitFor({ timeout: 5000 }).catch(() => {}); // what came instead is told
    results[word] = await page
      .getByRole("option")
      .evaluateAll((links) => links.slice(0, 5).map((link) => new URL(link.href).pathname));
  }
  return results;
}

await scenario(async () => {
  const executablePath = process.env.HARNESS_CHROMIUM;
  const browser = await chromium.launch({ executablePath, args: ARGUMENTS });
  try {
    return {
      copied: await copied(browser),
      dark: await scheme(browser, "dark"),
      light: await scheme(browser, "light"),
      found: await found(browser),
      foreign: [...foreign],
    };
  } finally {
    await browser.close();
  }
});
