// The requests around log-in. The browser keeps the session in a cookie that scripts cannot read.

export interface Account {
  id: string;
  username: string;
}

/** The server cannot be reached, or has failed. */
export class Unreachable extends Error {}

async function request(path: string, body?: object): Promise<Response> {
  const options: RequestInit = body
    ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }
    : {};
  const response = await fetch(path, options).catch(() => null);
  if (response === null || response.status >= 500) throw new Unreachable(path);
  return response;
}

/** Who is logged in with this browser; null for nobody. */
export async function whoAmI(): Promise<Account | null> {
  const response = await request("/self");
  return response.ok ? ((await response.json()) as Account) : null;
}

/** Log in, or sign up; returns the account, or the reason why not, as a sentence. */
export async function enter(
  way: "login" | "signup",
  username: string,
  password: string,
): Promise<Account | string> {
  const response = await request(`/${way}`, { username, password });
  if (response.ok) return (await response.json()) as Account;
  if (response.status === 429) return "Too many attempts. Wait a minute, and try again.";
  return way === "login"
    ? "This name and this password do not belong together."
    : "This name cannot be had. Perhaps somebody else has it.";
}

export async function leave(): Promise<void> {
  await request("/logout", {});
}
