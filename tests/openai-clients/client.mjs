// OpenAI's own client for JavaScript against the gateway, told nothing but its base URL and a token (OPENAI_BASE_URL,
// OPENAI_API_KEY). Prints what it saw as JSON: `client.mjs assistant`, or `client.mjs tools MODEL` for a model of the settings.

import OpenAI from "openai";

const QUESTION = [{ role: "user", content: "How do I restart the mailer?" }];
const TOOL = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather in a city",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

const client = new OpenAI();

async function failure(call) {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof OpenAI.APIError)) throw error;
    return { class: error.constructor.name, status: error.status, code: error.code, param: error.param };
  }
  return null;
}

async function whole(model, more = {}) {
  const completion = await client.chat.completions.create({ model, messages: QUESTION, ...more });
  const [choice] = completion.choices;
  return {
    id: completion.id,
    model: completion.model,
    content: choice.message.content,
    finish_reason: choice.finish_reason,
    total_tokens: completion.usage.total_tokens,
  };
}

async function chunks(model, messages = QUESTION, more = {}) {
  const seen = { content: "", roles: [], finish_reason: null, total_tokens: null, calls: [] };
  const stream_options = { include_usage: true };
  const stream = await client.chat.completions.create({ model, messages, stream: true, stream_options, ...more });
  for await (const chunk of stream) {
    if (chunk.usage) seen.total_tokens = chunk.usage.total_tokens;
    for (const { delta, finish_reason } of chunk.choices) {
      seen.content += delta.content ?? "";
      if (delta.role) seen.roles.push(delta.role);
      seen.finish_reason = finish_reason ?? seen.finish_reason;
      for (const call of delta.tool_calls ?? []) {
        seen.calls.push({ name: call.function.name, arguments: call.function.arguments });
      }
    }
  }
  return seen;
}

async function listed() {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  return ids;
}

async function assistant() {
  const stranger = new OpenAI({ apiKey: "not-a-token" });
  return {
    models: await listed(),
    model: (await client.models.retrieve("watchgate")).id,
    whole: await whole("watchgate", { temperature: 0 }),
    chunks: await chunks("watchgate"),
    unknown_model: await failure(() => whole("no-such-model")),
    unknown_model_read: await failure(() => client.models.retrieve("no-such-model")),
    bad_member: await failure(() => whole("watchgate", { n: 2 })),
    client_tools: await failure(() => whole("watchgate", { tools: [TOOL] })),
    stranger: await failure(() => stranger.models.list()),
  };
}

async function tools(model) {
  const messages = [{ role: "user", content: "What is the weather in Paris? My key is AKIA" + "IOSFODNN7EXAMPLE." }];
  const streamed = await chunks(model, messages, { tools: [TOOL] });
  const [asked] = (await client.chat.completions.create({ model, messages, tools: [TOOL] })).choices;
  const [call] = asked.message.tool_calls;
  messages.push(asked.message, { role: "tool", tool_call_id: call.id, content: "18 degrees" });
  const told = await client.chat.completions.create({ model, messages, tools: [TOOL] });
  return {
    models: await listed(),
    streamed,
    finish_reason: asked.finish_reason,
    call: { name: call.function.name, arguments: call.function.arguments },
    content: told.choices[0].message.content,
    total_tokens: told.usage.total_tokens,
  };
}

const [what, model] = process.argv.slice(2);
console.log(JSON.stringify(what === "assistant" ? await assistant() : await tools(model)));
