// start.mjs - starts aimock in this process, on loopback, with fixtures.json.

import path from "node:path";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const fixtures = path.join(path.dirname(fileURLToPath(import.meta.url)), "fixtures.json");

// startAimock(packages, port) - { url, stop() }; port 0 is any free one
export async function startAimock(packages, port) {
  const load = createRequire(path.join(packages, "package.json"));
  const { LLMock } = load("@copilotkit/aimock");
  const mock = new LLMock({ host: "127.0.0.1", port, logLevel: "silent" });
  mock.loadFixtureFile(fixtures);
  await mock.start();
  return mock;
}
