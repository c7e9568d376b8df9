// Everything that the page shows, looked at by axe-core, in one colour scheme and at one size.

import { AXE, Bot, command, DESKTOP, options, PASSWORD, PHONE, play, report, Tab } from "./people.mjs";

const device = {
  ...(options.device === "phone" ? PHONE : DESKTOP),
  colorScheme: options.scheme,
};
const violations = [];

async function look(tab, what) {
  await tab.page.addScriptTag({ path: AXE });
  const found = await tab.page.evaluate(async () => (await window.axe.run()).violations);
  for (const { id, impact, nodes } of found) {
    violations.push({ what, id, impact, where: nodes.map(({ html }) => html) });
  }
}

/** For the documentation: see pictures.py. */
async function takePicture(tab) {
  if (!options.pictures) return;
  const name = `example-chat-platform-${options.device}-${options.scheme}.png`;
  await tab.page.screenshot({ path: `${options.pictures}/${name}` });
}

await play({
  async accessibility() {
    const ida = await Bot.signUp("Ida");
    const max = await Bot.signUp("Max");
    const tab = await Tab.open(device);
    await tab.page.getByRole("heading", { name: "Log in" }).waitFor();
    await look(tab, "log-in");
    await tab.fillIn("Nora", PASSWORD, "Log in");
    await tab.page.getByText("do not belong together").waitFor();
    await look(tab, "wrong password");
    await tab.page.getByRole("button", { name: "Sign up" }).click();
    await look(tab, "sign-up");
    await tab.fillIn("Nora", PASSWORD, "Sign up");
    await tab.link("General").waitFor();

    const nora = (await ida.ask("user:search", { q: "Nora" }))[0].id;
    const general = await ida.channel("General");
    const private_ = (await ida.ask("user:reach", { userIds: [nora] })).id;
    const gone = (await max.ask("user:reach", { userIds: [nora] })).id;
    await ida.ask("channel:create", { name: "Garden" });
    await ida.say(general, "Good morning!", "The first cucumbers are ripe. Who wants some?");
    await max.say(general, "Me, please.\nAnd thanks for watering on Sunday.");
    await ida.say(private_, "Shall I bring you some as well?");
    await max.say(gone, "See you tomorrow");
    max.socket.close();
    await tab.link("Max (offline) 1 unread").waitFor();
    await look(tab, "list");

    await tab.go("General");
    await tab.say("Two for me. I come by at six.");
    await tab.texts("Two for me. I come by at six.");
    ida.socket.emit("message:typing", { channelId: general, isTyping: true });
    await tab.page.getByText("Ida is typing…").waitFor();
    await look(tab, "conversation");
    await takePicture(tab);
    await tab.say("\0");
    await tab.page.getByText("Not sent.").waitFor();
    await look(tab, "refused message");

    const back = tab.page.getByRole("link", { name: "All conversations" });
    if (await back.isVisible()) await back.click();
    await tab.page.getByRole("button", { name: "Add a channel" }).click();
    await tab.page.getByRole("button", { name: "Join: Garden" }).waitFor();
    await look(tab, "dialog");
    await tab.page.getByLabel("Name of the channel").fill("Garden");
    await tab.page.getByRole("button", { name: "Create" }).click();
    await tab.page.getByText("Perhaps this name is taken.").waitFor();
    await look(tab, "dialog with a problem");
    await tab.page.keyboard.press("Escape");
    ida.socket.close();
    report("talking");

    await command("killed");
    await tab.page.getByText("The connection is lost.").waitFor();
    await tab.go("General");
    await tab.say("Sent later");
    await tab.page.getByRole("button", { name: "Log out" }).or(back).first().waitFor();
    await look(tab, "without a connection");
    return { violations };
  },
});
