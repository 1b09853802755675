// neutral.mjs - what the translations of neutral calls have in common.

// defined(object) - without the fields whose value is undefined
export function defined(object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

// systemText(call) - its system messages as one text, or undefined
export function systemText(call) {
  const texts = call.messages.filter((m) => m.role === "system").map((m) => m.content);
  return texts.length > 0 ? texts.join("\n\n") : undefined;
}

// turns(call) - its other messages in groups: consecutive tool results, and a user message right
// after them, are one turn of the user, as Anthropic and Gemini want it
export function turns(call) {
  const groups = [];
  for (const message of call.messages) {
    if (message.role === "system") continue;
    const speaker = message.role === "assistant" ? "assistant" : "user";
    const last = groups[groups.length - 1];
    if (last && last.speaker === speaker) last.messages.push(message);
    else groups.push({ speaker, messages: [message] });
  }
  return groups;
}

// parts(content) - a message's content as a list of parts; none for an empty text
export function parts(content) {
  if (Array.isArray(content)) return content;
  return content === "" ? [] : [{ text: content }];
}
