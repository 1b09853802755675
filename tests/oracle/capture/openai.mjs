// openai.mjs - neutral calls as a user of the `openai` package writes them: Chat, Responses,
// both ways to Azure, embeddings and images. Parameters only; the package makes the request.

import { defined, systemText } from "./neutral.mjs";

const dataUrl = (part) => part.url ?? `data:${part.media};base64,${part.base64}`;

// ---- chat completions ---------------------------------------------------------------------

function chatPart(part) {
  if (part.text !== undefined) return { type: "text", text: part.text };
  if (part.media.startsWith("audio/")) {
    return {
      type: "input_audio",
      input_audio: { data: part.base64, format: part.media.slice("audio/".length) },
    };
  }
  return { type: "image_url", image_url: { url: dataUrl(part) } };
}

const chatContent = (content) => (Array.isArray(content) ? content.map(chatPart) : content);

function chatMessage(message) {
  if (message.role === "tool") {
    return { role: "tool", tool_call_id: message.id, content: message.content };
  }
  if (!message.calls) return { role: message.role, content: chatContent(message.content) };
  return {
    role: "assistant",
    content: message.content === "" ? null : chatContent(message.content),
    tool_calls: message.calls.map((call) => ({
      id: call.id,
      type: "function",
      function: { name: call.name, arguments: JSON.stringify(call.arguments) },
    })),
  };
}

export function chat(call) {
  const o = call.options ?? {};
  const choice = o.tool_choice;
  return defined({
    model: call.model,
    messages: call.messages.map(chatMessage),
    temperature: o.temperature,
    top_p: o.top_p,
    max_completion_tokens: o.max_tokens,
    stop: o.stop,
    seed: o.seed,
    reasoning_effort: o.reasoning_effort,
    tools: o.tools?.map((tool) => ({ type: "function", function: tool })),
    tool_choice: choice?.name ? { type: "function", function: { name: choice.name } } : choice,
    parallel_tool_calls: o.parallel_tool_calls,
    response_format: o.schema && { type: "json_schema", json_schema: o.schema },
    stream: o.stream,
    stream_options: o.stream && { include_usage: true },
  });
}

// ---- responses ------------------------------------------------------------------------------

function responsesPart(part) {
  if (part.text !== undefined) return { type: "input_text", text: part.text };
  return { type: "input_image", image_url: dataUrl(part), detail: "auto" };
}

function responsesItems(message) {
  if (message.role === "tool") {
    return [{ type: "function_call_output", call_id: message.id, output: message.content }];
  }
  const items = [];
  const parts = Array.isArray(message.content) ? message.content : [];
  for (const part of parts.filter((p) => p.thinking !== undefined)) {
    items.push({
      type: "reasoning",
      id: part.id,
      summary: [{ type: "summary_text", text: part.thinking }],
      encrypted_content: part.signature,
    });
  }
  const rest = parts.filter((p) => p.thinking === undefined);
  if (!Array.isArray(message.content) && message.content !== "") {
    items.push({ role: message.role, content: message.content });
  } else if (rest.length > 0) {
    items.push({ role: message.role, content: rest.map(responsesPart) });
  }
  for (const call of message.calls ?? []) {
    items.push({
      type: "function_call",
      call_id: call.id,
      name: call.name,
      arguments: JSON.stringify(call.arguments),
    });
  }
  return items;
}

export function responses(call) {
  const o = call.options ?? {};
  const choice = o.tool_choice;
  const input = call.messages.filter((m) => m.role !== "system").flatMap(responsesItems);
  return defined({
    model: call.model,
    instructions: systemText(call),
    input,
    store: false,
    temperature: o.temperature,
    top_p: o.top_p,
    max_output_tokens: o.max_tokens,
    reasoning: o.reasoning_effort && { effort: o.reasoning_effort },
    text: o.schema && { format: { type: "json_schema", ...o.schema } },
    tools: o.tools?.map((tool) => ({ type: "function", ...tool, strict: false })),
    tool_choice: choice?.name ? { type: "function", name: choice.name } : choice,
    parallel_tool_calls: o.parallel_tool_calls,
    stream: o.stream,
  });
}

// ---- embeddings and images ------------------------------------------------------------------

export function embed(call) {
  const o = call.options ?? {};
  return defined({
    model: call.model,
    input: call.input,
    dimensions: o.dimensions,
    encoding_format: o.encoding,
  });
}

export function image(call) {
  const o = call.options ?? {};
  return defined({
    model: call.model,
    prompt: call.prompt,
    n: o.n,
    size: o.size,
    quality: o.quality,
    background: o.background,
    output_format: o.format,
  });
}

// ---- sending --------------------------------------------------------------------------------

async function files(call, toFile) {
  const list = call.images.map((part, i) =>
    toFile(Buffer.from(part.base64, "base64"), `image${i + 1}.png`, { type: part.media }),
  );
  return list.length === 1 ? list[0] : Promise.all(list);
}

// senders(sdk, origin, key) - provider name -> function that makes the call
export function senders(sdk, origin, key) {
  const { OpenAI, AzureOpenAI, toFile } = sdk;
  const common = { apiKey: key, maxRetries: 0, organization: null, project: null };
  const client = new OpenAI({ ...common, baseURL: `${origin}/v1` });
  const azure = new AzureOpenAI({ ...common, endpoint: origin, apiVersion: "2024-10-21" });
  const azureV1 = new OpenAI({ ...common, baseURL: `${origin}/openai/v1` });
  return {
    openai: (call) => client.chat.completions.create(chat(call)),
    responses: (call) => client.responses.create(responses(call)),
    azure: (call) => azure.chat.completions.create(chat(call)),
    "azure-v1": (call) => azureV1.chat.completions.create(chat(call)),
    "azure-responses": (call) => azure.responses.create(responses(call)),
    "azure-v1-responses": (call) => azureV1.responses.create(responses(call)),
    "openai-embed": (call) => client.embeddings.create(embed(call)),
    "azure-embed": (call) => azure.embeddings.create(embed(call)),
    "openai-image": async (call) =>
      call.images
        ? client.images.edit({ ...image(call), image: await files(call, toFile) })
        : client.images.generate(image(call)),
  };
}
