// capture.mjs - makes every canonical call with the official packages and writes what they sent.
//
// Usage: node capture.mjs PACKAGES OUT
//   PACKAGES  the folder that holds node_modules
//   OUT       the folder to write to: OUT/<dialect>/<call>.json
//
// No other machine is spoken to: each package is pointed at a server on loopback.

import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { rows } from "./calls.mjs";
import { captureServer } from "./server.mjs";
import * as openai from "./openai.mjs";
import * as anthropic from "./anthropic.mjs";
import * as gemini from "./gemini.mjs";
import * as ollama from "./ollama.mjs";

const KEY = "sk-canary-0123456789";
const [packages, out] = process.argv.slice(2);
if (!out) {
  console.error("usage: node capture.mjs PACKAGES OUT");
  process.exit(2);
}

// Settings of the machine must not change what is captured.
for (const name of Object.keys(process.env)) {
  if (/^(OPENAI|AZURE|ANTHROPIC|CLAUDE|GOOGLE|GEMINI|OLLAMA)_|_proxy$/i.test(name)) {
    delete process.env[name];
  }
}

const load = createRequire(path.resolve(packages, "package.json"));
const server = await captureServer(KEY);
const send = {
  ...openai.senders(load("openai"), server.origin, KEY),
  ...anthropic.senders(
    load("@anthropic-ai/sdk"),
    load("anthropic-sdk-0"),
    server.origin,
    KEY,
  ),
  ...gemini.senders(load("@google/genai"), server.origin, KEY),
  ...ollama.senders(load("ollama"), server.origin),
};

// The answer `{}` is no reply: what a package thinks of it does not matter, what it sent does.
async function capture({ name, call }) {
  const given = structuredClone(call);
  let failure;
  try {
    await send[call.provider](call);
  } catch (error) {
    failure = error;
  }
  const requests = server.taken();
  if (requests.length !== 1) {
    const reason = failure ? `: ${failure.message}` : "";
    throw new Error(`${call.provider}/${name}: ${requests.length} requests were sent${reason}`);
  }
  return { call: given, ...requests[0] };
}

let count = 0;
for (const row of rows()) {
  const folder = path.join(out, row.call.provider);
  fs.mkdirSync(folder, { recursive: true });
  const text = JSON.stringify(await capture(row), null, 1);
  fs.writeFileSync(path.join(folder, `${row.name}.json`), `${text}\n`);
  count++;
}
server.close();
console.log(`captured ${count} requests`);
process.exit(0);
