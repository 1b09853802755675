// anthropic.mjs - neutral calls as a user of `@anthropic-ai/sdk` writes them. Version 1 of the
// package speaks API version 2026-10-21, version 0 (its last) speaks 2023-06-01.

import { defined, parts, systemText, turns } from "./neutral.mjs";

const MAX_TOKENS = 4096; // the API has no default

function block(part) {
  if (part.text !== undefined) return { type: "text", text: part.text };
  if (part.thinking !== undefined) {
    return { type: "thinking", thinking: part.thinking, signature: part.signature };
  }
  const source = part.url
    ? { type: "url", url: part.url }
    : { type: "base64", media_type: part.media, data: part.base64 };
  return { type: "image", source };
}

function blocks(message) {
  if (message.role === "tool") {
    return [
      defined({
        type: "tool_result",
        tool_use_id: message.id,
        content: message.content,
        is_error: message.error,
      }),
    ];
  }
  const calls = (message.calls ?? []).map((call) => ({
    type: "tool_use",
    id: call.id,
    name: call.name,
    input: call.arguments,
  }));
  return [...parts(message.content).map(block), ...calls];
}

function turn({ speaker, messages }) {
  const [first] = messages;
  const simple = messages.length === 1 && !first.calls && first.role !== "tool";
  if (simple && typeof first.content === "string") {
    return { role: speaker, content: first.content };
  }
  return { role: speaker, content: messages.flatMap(blocks) };
}

function choice(o) {
  const serial = o.parallel_tool_calls === false ? true : undefined;
  if (o.tool_choice === undefined && !serial) return undefined;
  const word = o.tool_choice ?? "auto";
  if (word.name) return defined({ type: "tool", name: word.name, disable_parallel_tool_use: serial });
  const type = word === "required" ? "any" : word;
  return defined({ type, disable_parallel_tool_use: type === "none" ? undefined : serial });
}

function thinking(o) {
  if (o.thinking_budget) return { type: "enabled", budget_tokens: o.thinking_budget };
  return o.reasoning_effort === "none" ? { type: "disabled" } : undefined;
}

function output(o) {
  const effort = o.reasoning_effort === "none" ? undefined : o.reasoning_effort;
  const format = o.schema && { type: "json_schema", schema: o.schema.schema };
  return effort || format ? defined({ effort, format }) : undefined;
}

export function message(call) {
  const o = call.options ?? {};
  return defined({
    model: call.model,
    max_tokens: o.max_tokens ?? MAX_TOKENS,
    system: systemText(call),
    messages: turns(call).map(turn),
    temperature: o.temperature,
    top_p: o.top_p,
    stop_sequences: o.stop,
    thinking: thinking(o),
    output_config: output(o),
    tools: o.tools?.map((tool) => ({
      name: tool.name,
      description: tool.description,
      input_schema: tool.parameters,
    })),
    tool_choice: choice(o),
    stream: o.stream,
  });
}

// senders(sdk, sdk0, origin, key) - provider name -> function that makes the call
export function senders(sdk, sdk0, origin, key) {
  const common = { apiKey: key, authToken: null, baseURL: origin, maxRetries: 0 };
  const now = new sdk.Anthropic(common);
  const before = new sdk0.Anthropic(common);
  return {
    anthropic: (call) => now.messages.create(message(call)),
    "anthropic-2023-06-01": (call) => before.messages.create(message(call)),
  };
}
