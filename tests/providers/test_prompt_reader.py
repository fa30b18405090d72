"""Prompts of every API's requests: who says what, which tools, which pictures; never a raise."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.providers.pictures import Picture
from acm_addon.providers.prompt_reader import read_prompt
from acm_addon.providers.prompts import Function, Message, Prompt, Role, ToolCall

PARIS = ToolCall("weather", '{"city": "Paris"}')
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
FUNCTION = Function("weather", "Tells it", SCHEMA)
TURNS = (
    Message(Role.SYSTEM, ("Be kind",)),
    Message(Role.USER, ("Warm?",)),
    Message(Role.ASSISTANT, (), (PARIS,)),
    Message(Role.TOOL, ("15 C",), results=1),
)
ARGUMENTS = {"city": "Paris"}


def _read(**document: object) -> Prompt:
    return read_prompt(json.dumps(document).encode())


CHAT = {
    "messages": [
        {"role": "developer", "content": "Be kind"},
        {"role": "user", "content": [{"type": "text", "text": "Warm?"}]},
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "type": "function",
                    "id": "c",
                    "function": {"name": "weather", "arguments": PARIS.arguments},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c", "content": "15 C"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {"name": "weather", "description": "Tells it", "parameters": SCHEMA},
        }
    ],
}
RESPONSES = {
    "instructions": "Be kind",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "Warm?"}]},
        {"type": "function_call", "call_id": "c", "name": "weather", "arguments": PARIS.arguments},
        {"type": "function_call_output", "call_id": "c", "output": "15 C"},
    ],
    "tools": [
        {"type": "function", "name": "weather", "description": "Tells it", "parameters": SCHEMA},
        {"type": "web_search"},
    ],
}
MESSAGES = {
    "system": [{"type": "text", "text": "Be kind", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": "Warm?"},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "c", "name": "weather", "input": ARGUMENTS}],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "c", "content": "15 C"}],
        },
    ],
    "tools": [
        {"name": "weather", "description": "Tells it", "input_schema": SCHEMA},
        {"type": "web_search_20250305", "name": "web_search"},
    ],
}
CONVERSE = {
    "system": [{"text": "Be kind"}],
    "messages": [
        {"role": "user", "content": [{"text": "Warm?"}]},
        {
            "role": "assistant",
            "content": [{"toolUse": {"toolUseId": "c", "name": "weather", "input": ARGUMENTS}}],
        },
        {
            "role": "user",
            "content": [{"toolResult": {"toolUseId": "c", "content": [{"text": "15 C"}]}}],
        },
    ],
    "toolConfig": {
        "tools": [
            {
                "toolSpec": {
                    "name": "weather",
                    "description": "Tells it",
                    "inputSchema": {"json": SCHEMA},
                }
            }
        ]
    },
}
GEMINI = {
    "systemInstruction": {"parts": [{"text": "Be kind"}]},
    "contents": [
        {"role": "user", "parts": [{"text": "Warm?"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "weather", "args": ARGUMENTS}}]},
        {
            "role": "user",
            "parts": [{"functionResponse": {"response": {"result": "15 C"}}}],
        },
    ],
    "tools": [
        {
            "functionDeclarations": [
                {"name": "weather", "description": "Tells it", "parameters": SCHEMA}
            ]
        },
        {"googleSearch": {}},
    ],
}


@pytest.mark.parametrize(
    "document",
    [CHAT, RESPONSES, MESSAGES, CONVERSE, GEMINI],
    ids=["chat", "responses", "messages", "converse", "generateContent"],
)
def test_one_conversation_is_the_same_in_every_api(document: dict[str, object]) -> None:
    """Instructions, question, call, result, and the declared function; the provider's own tools
    are none."""
    prompt = _read(**document)

    assert TURNS == prompt.messages
    assert (FUNCTION,) == prompt.functions
    assert ["Be kind", "Warm?", "weather", '{"city": "Paris"}', "15 C"] == prompt.texts


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"input": "Hi"}, ["Hi"]),
        ({"input": ["a", "b"]}, ["a", "b"]),
        ({"prompt": ["a", "b"], "suffix": "c"}, ["a", "b", "c"]),
        ({"content": {"parts": [{"text": "hello"}]}}, ["hello"]),
        (
            {"requests": [{"content": {"parts": [{"text": "hello"}]}, "taskType": "QUERY"}]},
            ["hello"],
        ),
        (
            {"message": "Hi", "chat_history": [{"role": "USER", "message": "Hello"}]},
            ["Hello", "Hi"],
        ),
        ({"query": "q", "documents": ["d", {"text": "e"}]}, ["q", "d", "e"]),
    ],
)
def test_texts_outside_of_chats(document: dict[str, object], expected: list[str]) -> None:
    """Embeddings, completions, reranking: each text is a message of its own."""
    prompt = _read(**document)

    assert expected == prompt.texts
    assert len(expected) == len(prompt.messages)


@pytest.mark.parametrize(
    "document",
    [
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "n", "schema": SCHEMA},
            }
        },
        {"text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}}},
        {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
    ],
)
def test_the_schema_of_the_answer(document: dict[str, object]) -> None:
    assert SCHEMA == json.loads(_read(**document).schema)


def test_plain_text_has_no_schema() -> None:
    """A format that is named and asks for nothing adds nothing."""
    assert "" == _read(response_format={"type": "text"}, text={"format": {"type": "text"}}).schema


PNG = "iVBORw0KGgoAAAANSUhEUgAAAGQAAAAyCAYAAACqNX6+AAAAAElFTkSuQmCC"
LOW = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}}
SOURCE = {"type": "base64", "media_type": "image/png", "data": PNG}


@pytest.mark.parametrize(
    ("part", "detail"),
    [
        (LOW, "low"),
        ({"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}, None),
        ({"type": "image", "source": SOURCE}, None),
        ({"image": {"format": "png", "source": {"bytes": PNG}}}, None),
        ({"inlineData": {"mimeType": "image/png", "data": PNG}}, None),
    ],
)
def test_a_picture_has_its_size_and_no_text(part: dict[str, object], detail: str | None) -> None:
    prompt = _read(messages=[{"role": "user", "content": [part]}])

    assert (Picture(100, 50, detail),) == prompt.pictures
    assert [] == prompt.texts


def test_a_picture_elsewhere_has_no_size() -> None:
    """What its address costs cannot be known without fetching it."""
    part = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}

    assert (Picture(),) == _read(messages=[{"role": "user", "content": [part]}]).pictures


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": "Ten.", "reasoning_content": "Five and five."},
        {"role": "assistant", "content": "Ten.", "reasoning": "Five and five."},
        {"role": "assistant", "content": "<think>Five and five.</think>Ten."},
    ],
)
def test_thoughts_of_earlier_answers_are_apart(message: dict[str, object]) -> None:
    """Some models read them again, and some do not."""
    prompt = _read(messages=[message])

    assert "Five and five." in "".join(prompt.texts)
    assert ["Ten."] == prompt.without_thoughts().texts


def test_thoughts_before_a_call_are_kept() -> None:
    """The model goes on with them when the result is there."""
    call = {"type": "function", "function": {"name": "weather", "arguments": PARIS.arguments}}
    message = {"role": "assistant", "reasoning_content": "Look.", "tool_calls": [call]}
    prompt = _read(messages=[message])

    assert ["Look.", "weather", PARIS.arguments] == prompt.without_thoughts().texts


def test_names_of_speakers_are_kept() -> None:
    (message,) = _read(messages=[{"role": "user", "name": "Ada", "content": "Hi"}]).messages

    assert Message(Role.USER, ("Hi",), name="Ada") == message


@pytest.mark.parametrize("body", [b"", b"[1]", b"null", b"not json", b'{"input":' + b"[" * 100_000])
def test_what_is_no_request_shows_nothing(body: bytes) -> None:
    assert Prompt() == read_prompt(body)


def test_surrogates_become_encodable() -> None:
    """A tokenizer cannot take half of a surrogate pair."""
    (text,) = read_prompt(b'{"input":"a\\ud83d"}').texts

    assert "a\ufffd" == text


_DOCUMENTS = json.dumps([CHAT, RESPONSES, MESSAGES, CONVERSE, GEMINI, LOW, SOURCE])
_KEYS = st.sampled_from(sorted(set(re.findall(r'"(\w+)":', _DOCUMENTS))))
_JSON = st.recursive(
    st.sampled_from([None, True, 1, "", "text", "user", "\ud83d", "image/png"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=30,
)


@given(st.dictionaries(_KEYS, _JSON, max_size=5))
def test_any_json_is_read(document: dict[str, object]) -> None:
    """Whatever stands where: texts that can be encoded, and no exception."""
    for text in _read(**document).texts:
        text.encode()


@given(st.binary(max_size=200))
def test_any_bytes_are_read(body: bytes) -> None:
    assert isinstance(read_prompt(body), Prompt)
