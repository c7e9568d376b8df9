// The page of the quick start: a message of its own, and one of somebody else.
async ({ io, url }) => {
  const other = io(url, { forceNew: true });
  await new Promise((resolve) => other.once("connect", resolve));
  const received = new Promise((resolve) => other.once("chat message", resolve));

  const shown = (count) =>
    new Promise((resolve) => {
      const list = document.querySelector("ul");
      const look = () => list.children.length >= count && resolve();
      new MutationObserver(look).observe(list, { childList: true, subtree: true });
      look();
    });

  document.querySelector("input").value = "hello";
  document.querySelector("button").click();
  await shown(1);
  other.emit("chat message", "answer");
  await shown(2);

  const own = [...document.querySelectorAll("li")].map((item) => item.textContent);
  other.close();
  return { own, other: await received };
};
