// calls.mjs - the canonical calls, in the neutral language of tests/oracle/README.md.
//
// Each row names the dialects it is made in; a dialect that cannot say something (seed in
// Responses, URLs in Ollama) does not have the row. The providers' models are filled in here.

export const MODELS = {
  openai: "gpt-4o-mini",
  responses: "gpt-5.6-terra",
  azure: "my-deployment",
  "azure-v1": "my-deployment",
  "azure-responses": "my-deployment",
  "azure-v1-responses": "my-deployment",
  "azure-embed": "my-deployment",
  anthropic: "claude-sonnet-5-5",
  "anthropic-2023-06-01": "claude-sonnet-4-6",
  gemini: "gemini-3-pro",
  ollama: "llama3.2",
  "openai-embed": "text-embedding-3-small",
  "openai-image": "gpt-image-1",
  "gemini-embed": "gemini-embedding-001",
  "ollama-embed": "nomic-embed-text",
};

const CHAT = ["openai", "azure", "azure-v1"];
const CLAUDE = ["anthropic", "anthropic-2023-06-01"];
const ALL = [...CHAT, "responses", ...CLAUDE, "gemini", "ollama"];
const but = (...names) => ALL.filter((name) => !names.includes(name));

// A picture of one red pixel, and four samples of silence.
const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const WAV = "UklGRiwAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQgAAAAAAAAAAAAAAA==";

const user = (content) => ({ role: "user", content });
const system = { role: "system", content: "You are a careful critic. Be brief." };
const png = { media: "image/png", base64: PNG };

const VERDICT = {
  name: "verdict",
  schema: {
    type: "object",
    properties: {
      score: { type: "number", description: "0 to 1" },
      reasons: { type: "array", items: { type: "string" } },
      kind: { type: "string", enum: ["good", "bad"] },
    },
    required: ["score", "reasons", "kind"],
    additionalProperties: false,
  },
  strict: true,
};

const WEATHER = {
  name: "get_weather",
  description: "The weather of a city now.",
  parameters: {
    type: "object",
    properties: { city: { type: "string" }, unit: { type: "string", enum: ["C", "F"] } },
    required: ["city", "unit"],
    additionalProperties: false,
  },
};
const CLOCK = {
  name: "get_time",
  description: "The time of day.",
  parameters: { type: "object", properties: {}, required: [], additionalProperties: false },
};
const tools = [WEATHER, CLOCK];

const paris = { id: "call_1", name: "get_weather", arguments: { city: "Paris", unit: "C" } };
const oslo = { id: "call_2", name: "get_weather", arguments: { city: "Oslo", unit: "C" } };
const clock = { id: "call_3", name: "get_time", arguments: {} };
const result = (call, content) => ({ role: "tool", id: call.id, name: call.name, content });

const calls = [
  ["plain", [...ALL, "azure-responses", "azure-v1-responses"], { messages: [user("How many fruits are two apples and a pear?")] }],
  ["unicode", ALL, { messages: [user('Grüße — "quoted" \\ back\tslash\n日本 🍐 </end>\u0001')] }],
  ["system", ALL, { messages: [system, user("Judge: 2 + 2 = 5.")] }],
  [
    "systems",
    ALL,
    { messages: [system, { role: "system", content: "Answer in English." }, user("Judge: 2 = 3.")] },
  ],
  [
    "turns",
    ALL,
    {
      messages: [
        system,
        user("I have two apples."),
        { role: "assistant", content: "Noted: two apples." },
        user("And a pear. How many fruits?"),
      ],
    },
  ],
  ["parts", ALL, { messages: [user([{ text: "First." }, { text: "Second." }])] }],
  ["image", ALL, { messages: [user([{ text: "Which colour is it?" }, png])] }],
  ["image-only", ALL, { messages: [user([png])] }],
  ["image-two", ALL, { messages: [user([png, { text: "Which of them is red?" }, png])] }],
  [
    "image-url",
    but("ollama"),
    {
      messages: [
        user([
          { text: "Which colour is it?" },
          { media: "image/png", url: "https://example.com/red.png" },
        ]),
      ],
    },
  ],
  [
    "audio",
    [...CHAT, "gemini"],
    { messages: [user([{ text: "What is said?" }, { media: "audio/wav", base64: WAV }])] },
  ],
  [
    "schema",
    ALL,
    { messages: [user("Judge: 2 + 2 = 5.")], options: { schema: VERDICT } },
  ],
  [
    "schema-loose",
    but(...CLAUDE, "gemini", "ollama"),
    {
      messages: [user("Judge: 2 + 2 = 5.")],
      options: { schema: { ...VERDICT, strict: false } },
    },
  ],
  ["tools", ALL, { messages: [user("How warm is Paris?")], options: { tools } }],
  [
    "tool-result",
    ALL,
    {
      messages: [
        user("How warm is Paris?"),
        { role: "assistant", content: "", calls: [paris] },
        result(paris, "21 C, sunny"),
      ],
      options: { tools },
    },
  ],
  [
    "tool-parallel",
    ALL,
    {
      messages: [
        system,
        user("How warm are Paris and Oslo, and what time is it?"),
        { role: "assistant", content: "I look.", calls: [paris, oslo, clock] },
        result(paris, "21 C, sunny"),
        { ...result(oslo, "no such station"), error: true },
        result(clock, "12:30"),
        user("In one line, please."),
      ],
      options: { tools },
    },
  ],
  [
    "tool-rounds",
    ALL,
    {
      messages: [
        user("How warm is Paris, then Oslo?"),
        { role: "assistant", content: "", calls: [paris] },
        result(paris, "21 C, sunny"),
        { role: "assistant", content: "", calls: [oslo] },
        result(oslo, "9 C"),
        { role: "assistant", content: "Paris 21, Oslo 9." },
        user("Thanks. And Rome?"),
      ],
      options: { tools },
    },
  ],
  ...["auto", "none", "required"].map((word) => [
    `tool-choice-${word}`,
    but("ollama"),
    { messages: [user("How warm is Paris?")], options: { tools, tool_choice: word } },
  ]),
  [
    "tool-choice-name",
    but("ollama"),
    {
      messages: [user("How warm is Paris?")],
      options: { tools, tool_choice: { name: "get_weather" } },
    },
  ],
  [
    "tool-serial",
    but("gemini", "ollama"),
    { messages: [user("How warm is Paris?")], options: { tools, parallel_tool_calls: false } },
  ],
  [
    "tool-serial-required",
    but("gemini", "ollama"),
    {
      messages: [user("How warm is Paris?")],
      options: { tools, tool_choice: "required", parallel_tool_calls: false },
    },
  ],
  ["stream", ALL, { messages: [user("Count to three.")], options: { stream: true } }],
  [
    "stream-tools",
    ALL,
    { messages: [system, user("How warm is Paris?")], options: { tools, stream: true } },
  ],
  ["max-tokens", ALL, { messages: [user("Count to three.")], options: { max_tokens: 256 } }],
  [
    "sampling",
    [...CHAT, "gemini", "ollama"],
    {
      messages: [user("Count to three.")],
      options: { temperature: 0.2, top_p: 0.9, max_tokens: 256, stop: ["END", "\n\n"], seed: 7 },
    },
  ],
  [
    "sampling",
    ["responses"],
    {
      messages: [user("Count to three.")],
      options: { temperature: 0.2, top_p: 0.9, max_tokens: 256 },
    },
  ],
  [
    "sampling",
    ["anthropic"],
    { messages: [user("Count to three.")], options: { max_tokens: 256, stop: ["END", "\n\n"] } },
  ],
  [
    "sampling",
    ["anthropic-2023-06-01"],
    {
      messages: [user("Count to three.")],
      options: { temperature: 0.2, top_p: 0.9, max_tokens: 256, stop: ["END", "\n\n"] },
    },
  ],
  [
    "temperature-zero",
    but("anthropic"),
    { messages: [user("Count to three.")], options: { temperature: 0 } },
  ],
  ...["low", "high"].map((word) => [
    `effort-${word}`,
    ALL,
    { messages: [user("Prove it.")], options: { reasoning_effort: word } },
  ]),
  [
    "effort-none",
    but("gemini"),
    { messages: [user("Prove it.")], options: { reasoning_effort: "none" } },
  ],
  [
    "thinking-budget",
    ["anthropic-2023-06-01", "gemini"],
    { messages: [user("Prove it.")], options: { max_tokens: 4096, thinking_budget: 2048 } },
  ],
  [
    "thinking-replay",
    ["responses", ...CLAUDE, "gemini"],
    {
      messages: [
        user("How warm is Paris?"),
        {
          role: "assistant",
          content: [{ thinking: "I must look.", id: "rs_1", signature: "c2lnbmF0dXJl" }],
          calls: [paris],
        },
        result(paris, "21 C, sunny"),
      ],
      options: { tools },
    },
  ],
  [
    "together",
    ALL,
    {
      messages: [
        system,
        user([{ text: "Judge the picture." }, png]),
        { role: "assistant", content: "It is red." },
        user("Use the tool, then the form."),
      ],
      options: { tools, schema: VERDICT, max_tokens: 500, reasoning_effort: "low", stream: true },
    },
  ],
  [
    "image-out",
    ["gemini"],
    { messages: [user([{ text: "Make it blue." }, png])], options: { modalities: ["image"] } },
  ],

  ["one", ["openai-embed", "azure-embed", "gemini-embed", "ollama-embed"], { input: ["two apples"] }],
  ["two", ["openai-embed", "gemini-embed", "ollama-embed"], { input: ["two apples", "a pear 🍐"] }],
  [
    "dimensions",
    ["openai-embed", "gemini-embed", "ollama-embed"],
    { input: ["two apples"], options: { dimensions: 256 } },
  ],
  ["floats", ["openai-embed"], { input: ["two apples"], options: { encoding: "float" } }],
  ["generate", ["openai-image"], { prompt: "A red pixel." }],
  [
    "generate-options",
    ["openai-image"],
    {
      prompt: "A red pixel.",
      options: { size: "1024x1024", quality: "low", n: 2, format: "png", background: "opaque" },
    },
  ],
  ["edit", ["openai-image"], { prompt: "Make it blue.", images: [png] }],
  [
    "edit-two",
    ["openai-image"],
    { prompt: "Mix them.", images: [png, png], options: { size: "1024x1024" } },
  ],
];

// rows() - every call of every dialect: { name, call }
export function rows() {
  return calls.flatMap(([name, providers, body]) =>
    providers.map((provider) => ({
      name,
      call: { provider, model: MODELS[provider], ...structuredClone(body) },
    })),
  );
}
