// Logging in for a token, and connecting with it in the ways that clients have.
import { io } from "socket.io-client";
import { once, options, scenario, url } from "../harness.mjs";

async function logIn(password) {
  const response = await fetch(`${url}/login`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username: "john", password }),
  });
  return { status: response.status, ...(await response.json()) };
}

/** Connect with a token that expires soon; one that does so before is replaced. */
async function connect() {
  let token;
  const socket = io(url, { auth: (send) => send({ token }), forceNew: true, autoConnect: false });
  while (!socket.connected) {
    ({ token } = await logIn("changeit"));
    const result = new Promise((resolve) => {
      socket.once("connect", resolve);
      socket.once("connect_error", resolve);
    });
    socket.connect();
    await result;
  }
  return { socket, token };
}

async function self(token) {
  const response = await fetch(`${url}/self`, { headers: { Authorization: `Bearer ${token}` } });
  return [response.status, await response.json()];
}

async function refusal(settings) {
  const socket = io(url, { forceNew: true, ...settings });
  const [error] = await once(socket, "connect_error");
  socket.close();
  return error.data?.code;
}

async function whoami(settings) {
  const socket = io(url, { forceNew: true, ...settings });
  const name = await socket.timeout(10_000).emitWithAck("whoami");
  socket.close();
  return name;
}

await scenario(async () => {
  const results = { wrong: (await logIn("guess")).status };
  if (options.expires) {
    const { socket, token } = await connect();
    const [reason] = await once(socket, "disconnect");
    return { ...results, reason, after: [(await self(token))[0], await refusal({ auth: { token } })] };
  }
  const { token } = await logIn("changeit");
  const forged = token.slice(0, -4) + (token.endsWith("AAAA") ? "BBBB" : "AAAA");
  results.self = [await self(token), (await self(forged))[0]];
  results.refused = [
    await refusal({ auth: { token: forged } }),
    await refusal({ auth: { token: 5 } }),
    await refusal({ auth: { token: forged }, transports: ["websocket"] }),
    await refusal({ extraHeaders: { authorization: `bearer ${forged}` } }),
  ];
  const stranger = io(url, { forceNew: true });
  await once(stranger, "connect_error");
  results.names = [
    await whoami({ auth: { token } }),
    await whoami({ auth: { token }, transports: ["websocket"] }),
    await whoami({ extraHeaders: { authorization: `bearer ${token}` } }), // the official page
  ];
  stranger.close();
  return results;
});
