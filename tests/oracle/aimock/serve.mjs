// serve.mjs - aimock with the fixtures of this folder, for a live test.
//
// Usage: node serve.mjs PACKAGES [PORT]    prints its address; ends when its input ends
//
// It is a server independent of lunagrad's own mock. Which text of the user gets which answer is
// in fixtures.json. Base URLs: ADDRESS/v1 (OpenAI), ADDRESS (Anthropic, Gemini, Ollama, Azure).

import path from "node:path";
import { startAimock } from "./start.mjs";

const [packages, port] = process.argv.slice(2);
if (!packages) {
  console.error("usage: node serve.mjs PACKAGES [PORT]");
  process.exit(2);
}
const mock = await startAimock(path.resolve(packages), Number(port ?? 0));
console.log(mock.url);
process.stdin.resume();
process.stdin.on("end", () => mock.stop().then(() => process.exit(0)));
