// gemini.mjs - neutral calls as a user of `@google/genai` writes them.

import { defined, parts, systemText, turns } from "./neutral.mjs";

function part(p) {
  if (p.text !== undefined) return { text: p.text };
  if (p.url) return { fileData: { fileUri: p.url, mimeType: p.media } };
  return { inlineData: { mimeType: p.media, data: p.base64 } };
}

function messageParts(message) {
  if (message.role === "tool") {
    const response = message.error ? { error: message.content } : { output: message.content };
    return [{ functionResponse: { id: message.id, name: message.name, response } }];
  }
  // The signature of a thought travels on the call that followed it.
  const list = parts(message.content);
  const signature = list.find((p) => p.thinking !== undefined)?.signature;
  const calls = (message.calls ?? []).map((call, i) =>
    defined({
      functionCall: { id: call.id, name: call.name, args: call.arguments },
      thoughtSignature: i === 0 ? signature : undefined,
    }),
  );
  return [...list.filter((p) => p.thinking === undefined).map(part), ...calls];
}

const content = ({ speaker, messages }) => ({
  role: speaker === "assistant" ? "model" : "user",
  parts: messages.flatMap(messageParts),
});

function toolConfig(choice) {
  if (choice === undefined) return undefined;
  const mode = { auto: "AUTO", none: "NONE", required: "ANY" }[choice] ?? "ANY";
  const names = choice.name ? [choice.name] : undefined;
  return { functionCallingConfig: defined({ mode, allowedFunctionNames: names }) };
}

function thinking(o) {
  if (o.thinking_budget !== undefined) return { thinkingBudget: o.thinking_budget };
  return o.reasoning_effort && { thinkingLevel: o.reasoning_effort.toUpperCase() };
}

export function generate(call) {
  const o = call.options ?? {};
  const declarations = o.tools?.map((tool) => ({
    name: tool.name,
    description: tool.description,
    parametersJsonSchema: tool.parameters,
  }));
  const config = defined({
    systemInstruction: systemText(call),
    temperature: o.temperature,
    topP: o.top_p,
    maxOutputTokens: o.max_tokens,
    stopSequences: o.stop,
    seed: o.seed,
    thinkingConfig: thinking(o),
    responseModalities: o.modalities?.map((word) => word.toUpperCase()),
    responseMimeType: o.schema && "application/json",
    responseJsonSchema: o.schema?.schema,
    tools: declarations && [{ functionDeclarations: declarations }],
    toolConfig: toolConfig(o.tool_choice),
  });
  return { model: call.model, contents: turns(call).map(content), config };
}

export function embed(call) {
  const config = call.options && { outputDimensionality: call.options.dimensions };
  return defined({ model: call.model, contents: call.input, config });
}

// senders(sdk, origin, key) - provider name -> function that makes the call
export function senders(sdk, origin, key) {
  const client = new sdk.GoogleGenAI({
    apiKey: key,
    vertexai: false,
    httpOptions: { baseUrl: origin },
  });
  return {
    gemini: (call) =>
      call.options?.stream
        ? client.models.generateContentStream(generate(call))
        : client.models.generateContent(generate(call)),
    "gemini-embed": (call) => client.models.embedContent(embed(call)),
  };
}
