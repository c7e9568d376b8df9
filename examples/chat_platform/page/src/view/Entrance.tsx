import { useSignal } from "@preact/signals";
import type { TargetedSubmitEvent } from "preact";
import { logIn } from "../session";

/** Log-in, and sign-up. */
export function Entrance() {
  const way = useSignal<"login" | "signup">("login");
  const problem = useSignal("");
  const isBusy = useSignal(false);
  const isNew = way.value === "signup";

  async function submit(event: TargetedSubmitEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    isBusy.value = true;
    problem.value = "";
    problem.value =
      (await logIn(way.value, String(form.get("username")), String(form.get("password"))).catch(
        () => "The server cannot be reached. Try again in a moment.",
      )) ?? "";
    isBusy.value = false;
  }

  function change(): void {
    way.value = isNew ? "login" : "signup";
    problem.value = "";
  }

  return (
    <main class="entrance">
      <form onSubmit={submit} aria-labelledby="entrance">
        <h1 id="entrance">{isNew ? "Sign up" : "Log in"}</h1>
        <label>
          Name
          <input name="username" autocomplete="username" autocapitalize="none" required
            minLength={2} maxLength={32} />
        </label>
        <label>
          Password
          {/* The attributes help password managers to tell an old password from a new one. */}
          <input name="password" type="password" required minLength={isNew ? 8 : 1} maxLength={100}
            autocomplete={isNew ? "new-password" : "current-password"} />
        </label>
        {isNew && <p class="hint">At least 8 characters.</p>}
        <p class="problem" role="alert">{problem.value}</p>
        <button class="primary" disabled={isBusy.value}>{isNew ? "Sign up" : "Log in"}</button>
        <p class="other">
          {isNew ? "You have an account?" : "You are new here?"}{" "}
          <button type="button" class="link" onClick={change}>{isNew ? "Log in" : "Sign up"}</button>
        </p>
      </form>
    </main>
  );
}
