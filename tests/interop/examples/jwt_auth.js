// The page with a token: logging in, loading it again, and what it does when the token expires.
async ({ options }) => {
  const until = async (condition) => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  const open = async () => {
    const frame = document.createElement("iframe");
    frame.src = "/";
    document.body.replaceChildren(frame);
    await new Promise((resolve) => (frame.onload = resolve));
    return (selector) => frame.contentDocument.querySelector(selector);
  };
  const logIn = ($, password) => {
    $("[name=username]").value = "john";
    $("[name=password]").value = password;
    $("form").requestSubmit();
  };
  let $ = await open();
  logIn($, "guess");
  await until(() => $("[role=alert]").textContent);
  const wrong = $("[role=alert]").textContent;
  const out = () => !$("#login").hidden;
  const named = () => $("#name").textContent === "john";
  while (!named()) {
    logIn($, "changeit");
    await until(() => !out());
    await until(() => named() || out()); // a token may expire before the connection is there
  }
  if (options.expires) {
    await until(out);
    return { wrong, why: $("[role=alert]").textContent };
  }
  $ = await open();
  await until(() => $("#status").textContent === "connected");
  $("#logout").click();
  await until(() => !$("#login").hidden);
  return { wrong, token: localStorage.getItem("token") };
}
