// types.mjs - writes the parameters of every canonical call as TypeScript constants of the
// packages' own types, so that `tsc --noEmit` says whether a user of the package could have
// written them: a misspelt field would otherwise be captured as if it were right.
//
// Usage: node types.mjs OUT.ts

import fs from "node:fs";
import { rows } from "./calls.mjs";
import * as openai from "./openai.mjs";
import * as anthropic from "./anthropic.mjs";
import * as gemini from "./gemini.mjs";
import * as ollama from "./ollama.mjs";

const chat = ["OpenAI.Chat.ChatCompletionCreateParams", openai.chat];
const responses = ["OpenAI.Responses.ResponseCreateParams", openai.responses];
const KINDS = {
  openai: chat,
  azure: chat,
  "azure-v1": chat,
  responses,
  "azure-responses": responses,
  "azure-v1-responses": responses,
  anthropic: ["Anthropic.MessageCreateParams", anthropic.message],
  "anthropic-2023-06-01": ["Anthropic0.MessageCreateParams", anthropic.message],
  gemini: ["GenerateContentParameters", gemini.generate],
  ollama: ["ChatRequest", ollama.chat],
  "openai-embed": ["OpenAI.EmbeddingCreateParams", openai.embed],
  "azure-embed": ["OpenAI.EmbeddingCreateParams", openai.embed],
  "openai-image": ["OpenAI.ImageGenerateParams", openai.image],
  "gemini-embed": ["EmbedContentParameters", gemini.embed],
  "ollama-embed": ["EmbedRequest", ollama.embed],
};

const lines = [
  'import OpenAI from "openai";',
  'import Anthropic from "@anthropic-ai/sdk";',
  'import Anthropic0 from "anthropic-sdk-0";',
  'import type { GenerateContentParameters, EmbedContentParameters } from "@google/genai";',
  'import type { ChatRequest, EmbedRequest } from "ollama";',
];
// Enumerations of a package are written by their words, which is what goes over the wire; the
// schemas of Ollama's tools know few keywords.
const words = (text, type) => {
  const named = text.replace(/"(thinkingLevel|mode)":("[A-Z]+")/g, '"$1":$2 as any');
  return type === "ChatRequest" ? named.replace(/,"additionalProperties":false/g, "") : named;
};

rows().forEach(({ name, call }, i) => {
  const [type, translate] = KINDS[call.provider];
  const params = words(JSON.stringify(translate(call)), type);
  lines.push(`/* ${call.provider}/${name} */ export const c${i}: ${type} = ${params};`);
});
fs.writeFileSync(process.argv[2], `${lines.join("\n")}\n`);
