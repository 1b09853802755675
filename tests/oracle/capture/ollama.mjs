// ollama.mjs - neutral calls as a user of the `ollama` package writes them.

import { defined, parts } from "./neutral.mjs";

const text = (content) =>
  parts(content)
    .filter((p) => p.text !== undefined)
    .map((p) => p.text)
    .join("\n");

function message(m) {
  if (m.role === "tool") return { role: "tool", content: m.content, tool_name: m.name };
  const images = parts(m.content)
    .filter((p) => p.base64)
    .map((p) => p.base64);
  return defined({
    role: m.role,
    content: text(m.content),
    images: images.length > 0 ? images : undefined,
    tool_calls: m.calls?.map((call) => ({
      function: { name: call.name, arguments: call.arguments },
    })),
  });
}

export function chat(call) {
  const o = call.options ?? {};
  const options = defined({
    temperature: o.temperature,
    top_p: o.top_p,
    num_predict: o.max_tokens,
    stop: o.stop,
    seed: o.seed,
  });
  const think = o.reasoning_effort === "none" ? false : o.reasoning_effort;
  return defined({
    model: call.model,
    messages: call.messages.map(message),
    think,
    format: o.schema?.schema,
    tools: o.tools?.map((tool) => ({ type: "function", function: tool })),
    options: Object.keys(options).length > 0 ? options : undefined,
    stream: o.stream,
  });
}

export const embed = (call) => defined({ model: call.model, input: call.input, ...call.options });

// senders(sdk, origin) - provider name -> function that makes the call
export function senders(sdk, origin) {
  const client = new sdk.Ollama({ host: origin });
  return {
    ollama: (call) => client.chat(chat(call)),
    "ollama-embed": (call) => client.embed(embed(call)),
  };
}
