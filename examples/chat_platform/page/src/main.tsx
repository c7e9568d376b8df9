import { render } from "preact";
import "./chat";
import { resume } from "./session";
import { App } from "./view/App";

render(<App />, document.getElementById("app")!);
void resume();
