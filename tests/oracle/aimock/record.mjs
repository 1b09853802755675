// record.mjs - asks aimock everything fixtures.json holds, in every dialect, and saves what it
// answers, byte for byte.
//
// Usage: node record.mjs PACKAGES OUT    writes OUT/<dialect>/<name>.txt
//
// A file is the status line, the headers that matter, `x-oracle-end: complete` or `cut` (the
// connection closed before the answer ended), a blank line, and the body without its transfer
// encoding. Clock and identifiers stand still, so that two recordings are equal. Streamed answers
// that are the same as without streaming (errors) are not saved twice.

import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";

let serial = 0;
const OriginalDate = Date;
const NOW = OriginalDate.UTC(2026, 10, 22);
globalThis.Date = class extends OriginalDate {
  constructor(...args) {
    super(...(args.length > 0 ? args : [NOW]));
  }
  static now() {
    return NOW;
  }
};
const bytes = (n) => {
  const text = String(++serial).padStart(n, "0").slice(-n);
  return Buffer.from(text);
};
crypto.randomBytes = bytes;
crypto.randomUUID = () => `00000000-0000-4000-8000-${bytes(12)}`;
syncBuiltinESMExports();

const { startAimock } = await import("./start.mjs");
const [packages, out] = process.argv.slice(2);
if (!out) {
  console.error("usage: node record.mjs PACKAGES OUT");
  process.exit(2);
}
const mock = await startAimock(path.resolve(packages), 0);

const schema = { type: "object", properties: { city: { type: "string" } } };
const tool = { name: "get_weather", description: "The weather.", parameters: schema };
const chat = (text, stream) => ({
  model: "gpt-4o-mini",
  messages: [{ role: "user", content: text }],
  tools: [{ type: "function", function: tool }],
  ...(stream ? { stream: true, stream_options: { include_usage: true } } : {}),
});
const gemini = (text) => ({ contents: [{ role: "user", parts: [{ text }] }] });

// How each dialect asks: path and body for a text, streamed or not.
const DIALECTS = {
  openai: { path: () => "/v1/chat/completions", body: chat },
  azure: {
    path: () => "/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21",
    body: chat,
  },
  responses: {
    path: () => "/v1/responses",
    body: (text, stream) => ({ model: "gpt-5.6-terra", input: text, store: false, stream }),
  },
  anthropic: {
    path: () => "/v1/messages",
    body: (text, stream) => ({
      model: "claude-sonnet-5-5",
      max_tokens: 100,
      messages: [{ role: "user", content: text }],
      stream,
    }),
  },
  gemini: {
    path: (stream) =>
      `/v1beta/models/gemini-3-pro:${stream ? "streamGenerateContent?alt=sse" : "generateContent"}`,
    body: gemini,
  },
  ollama: {
    path: () => "/api/chat",
    body: (text, stream) => ({
      model: "llama3.2",
      messages: [{ role: "user", content: text }],
      stream,
    }),
  },
};

// An error that aimock is told to answer next.
const QUEUED = { status: 529, body: { message: "Overloaded", type: "overloaded_error" } };

// Requests of one kind only: what aimock has of embeddings, images and lists.
const OTHERS = [
  ["openai-embed/one", "/v1/embeddings", { model: "e", input: "case embed." }],
  [
    "openai-embed/base64",
    "/v1/embeddings",
    { model: "e", input: "case embed.", encoding_format: "base64" },
  ],
  ["openai-embed/two", "/v1/embeddings", { model: "e", input: ["case embed.", "case embed."] }],
  [
    "gemini-embed/one",
    "/v1beta/models/e:embedContent",
    { content: { parts: [{ text: "case embed." }] } },
  ],
  ["ollama-embed/one", "/api/embed", { model: "e", input: "case embed." }],
  ["openai-image/one", "/v1/images/generations", { model: "gpt-image-1", prompt: "case image." }],
  ["openai/models", "/v1/models", null],
  ["ollama/tags", "/api/tags", null],
];

const KEPT =
  /^(content-type|retry-after.*|x-ratelimit-.*|anthropic-ratelimit-.*|request-id|x-request-id|x-should-retry)$/;

function saved(status, headers, end, body) {
  const lines = Object.entries(headers ?? {})
    .filter(([name]) => KEPT.test(name))
    .map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${status}`, ...lines, `x-oracle-end: ${end}`, "", ""].join("\n");
  return Buffer.concat([Buffer.from(head), body]);
}

// ask(path, body) - the answer as the bytes of a file; a POST when there is a body
function ask(target, body) {
  serial = 0;
  return new Promise((done) => {
    const method = body ? "POST" : "GET";
    const headers = { "content-type": "application/json", authorization: "Bearer KEY" };
    const req = http.request(mock.url + target, { method, headers, agent: false }, (res) => {
      const chunks = [];
      const finish = (end) =>
        done(saved(`${res.statusCode} ${res.statusMessage}`, res.headers, end, Buffer.concat(chunks)));
      res.on("data", (chunk) => chunks.push(chunk));
      res.on("end", () => finish(res.complete ? "complete" : "cut"));
      res.on("error", () => finish("cut"));
    });
    req.on("error", () => done(saved("0 no answer", {}, "cut", Buffer.alloc(0))));
    req.end(body ? JSON.stringify(body) : undefined);
  });
}

let count = 0;
function save(name, answer) {
  const file = path.join(out, `${name}.txt`);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, answer);
  count++;
}

const folder = path.dirname(new URL(import.meta.url).pathname);
const { fixtures } = JSON.parse(fs.readFileSync(path.join(folder, "fixtures.json"), "utf8"));
const texts = fixtures.filter((f) => f.match.userMessage && !f.match.endpoint);

for (const [dialect, { path: target, body }] of Object.entries(DIALECTS)) {
  for (const fixture of texts) {
    const text = fixture.match.userMessage;
    const name = text.replace(/^case (.*)\.$/, "$1").replaceAll(" ", "-");
    const streamOnly = fixture.truncateAfterChunks || fixture.disconnectAfterMs;
    const whole = streamOnly ? null : await ask(target(false), body(text, false));
    const streamed = await ask(target(true), body(text, true));
    if (whole) save(`${dialect}/${name}`, whole);
    if (!whole?.equals(streamed)) save(`${dialect}/stream-${name}`, streamed);
  }
  await ask("/__aimock/error", QUEUED);
  save(`${dialect}/queued-529`, await ask(target(false), body("case plain.", false)));
  save(`${dialect}/unknown`, await ask(target(false), body("no such case", false)));
}
for (const [name, target, body] of OTHERS) save(name, await ask(target, body));
await mock.stop();
console.log(`recorded ${count} answers`);
process.exit(0);
