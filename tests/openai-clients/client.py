"""OpenAI's own client for Python against the gateway, told nothing but its base URL and a token (OPENAI_BASE_URL, OPENAI_API_KEY).
Prints what it saw as JSON: `client.py assistant`, or `client.py tools MODEL` for a model of the settings."""

import json
import sys

import openai

QUESTION = [{"role": "user", "content": "How do I restart the mailer?"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}

client = openai.OpenAI()


def failure(call):
    try:
        call()
    except openai.APIStatusError as error:
        return {"class": type(error).__name__, "status": error.status_code, "code": error.code, "param": error.param}
    return None


def whole(model, **more):
    completion = client.chat.completions.create(model=model, messages=QUESTION, **more)
    choice = completion.choices[0]
    return {
        "id": completion.id,
        "model": completion.model,
        "content": choice.message.content,
        "finish_reason": choice.finish_reason,
        "total_tokens": completion.usage.total_tokens,
    }


def chunks(model, messages=QUESTION, **more):
    seen = {"content": "", "roles": [], "finish_reason": None, "total_tokens": None, "calls": []}
    options = {"include_usage": True}
    for chunk in client.chat.completions.create(
        model=model, messages=messages, stream=True, stream_options=options, **more
    ):
        if chunk.usage:
            seen["total_tokens"] = chunk.usage.total_tokens
        for choice in chunk.choices:
            seen["content"] += choice.delta.content or ""
            seen["roles"] += [choice.delta.role] if choice.delta.role else []
            seen["finish_reason"] = choice.finish_reason or seen["finish_reason"]
            for call in choice.delta.tool_calls or []:
                seen["calls"].append({"name": call.function.name, "arguments": call.function.arguments})
    return seen


def assistant():
    stranger = openai.OpenAI(api_key="not-a-token")
    return {
        "models": [model.id for model in client.models.list()],
        "model": client.models.retrieve("watchgate").id,
        "whole": whole("watchgate", temperature=0),
        "chunks": chunks("watchgate"),
        "unknown_model": failure(lambda: whole("no-such-model")),
        "unknown_model_read": failure(lambda: client.models.retrieve("no-such-model")),
        "bad_member": failure(lambda: whole("watchgate", n=2)),
        "client_tools": failure(lambda: whole("watchgate", tools=[TOOL])),
        "stranger": failure(lambda: stranger.models.list()),
    }


def tools(model):
    messages = [{"role": "user", "content": "What is the weather in Paris? My key is AKIA" + "IOSFODNN7EXAMPLE."}]
    streamed = chunks(model, messages, tools=[TOOL])
    asked = client.chat.completions.create(model=model, messages=messages, tools=[TOOL]).choices[0]
    call = asked.message.tool_calls[0]
    messages += [asked.message, {"role": "tool", "tool_call_id": call.id, "content": "18 degrees"}]
    told = client.chat.completions.create(model=model, messages=messages, tools=[TOOL])
    return {
        "models": [model.id for model in client.models.list()],
        "streamed": streamed,
        "finish_reason": asked.finish_reason,
        "call": {"name": call.function.name, "arguments": call.function.arguments},
        "content": told.choices[0].message.content,
        "total_tokens": told.usage.total_tokens,
    }


seen = assistant() if sys.argv[1] == "assistant" else tools(sys.argv[2])
print(json.dumps(seen))
