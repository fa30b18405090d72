"""Reads the prompt of a request: JSON of any API that we know, by the names that hold input there.

Slow, and therefore only done where a provider reports no usage. Never raises.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from acm_addon.json_fields import parse
from acm_addon.providers.pictures import picture_of
from acm_addon.providers.prompts import (
    SETTINGS,
    Function,
    Message,
    Prompt,
    Role,
    ToolCall,
    dump,
    well_formed,
)

_INSTRUCTIONS = ("system", "systemInstruction", "system_instruction", "instructions", "preamble")
_CHATS = ("chat_history", "messages", "contents", "content", "input", "message")
"""Fields that hold messages, or a text that stands for one."""
_BARE = ("prompt", "suffix", "requests", "inputText", "instances", "texts", "query", "documents")
"""Fields that hold texts outside of any chat, one message each."""
_ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "assistant": Role.ASSISTANT,
    "model": Role.ASSISTANT,
    "chatbot": Role.ASSISTANT,
    "tool": Role.TOOL,
    "function": Role.TOOL,
}
_THOUGHTS = ("reasoning_content", "reasoning")
_THINK = re.compile(r"\A.*?</think>", re.DOTALL)
"""Some servers leave out where thoughts begin."""
_CALLS = ("functionCall", "function_call", "toolUse")
_RESULTS = ("functionResponse", "function_response", "toolResult")
_CALL_TYPES = ("tool_use", "function_call", "custom_tool_call")
_RESULT_TYPES = ("tool_result", "function_call_output", "custom_tool_call_output")
_STORED = (
    "previous_response_id",
    "conversation",
    "cachedContent",
    "context_management",
    "mcp_servers",
    "container",
    "web_search_options",
    "search_parameters",
)
"""Fields of requests that bring in what is not in them."""
_OPAQUE_TYPES = ("input_audio", "file", "input_file", "document", "video_url", "file_url")
_OPAQUE_KEYS = ("encrypted_content", "thoughtSignature", "thought_signature", "file_id", "audio")
"""Of parts of messages: what counts by rules of its own, or is sealed."""
_NOT_TEXT = frozenset(
    (
        "type",
        "role",
        "id",
        "call_id",
        "tool_call_id",
        "tool_use_id",
        "toolUseId",
        "url",
        "image_url",
        "file_id",
        "file_data",
        "file",
        "filename",
        "data",
        "bytes",
        "format",
        "media_type",
        "mime_type",
        "mimeType",
        "detail",
        "status",
        "signature",
        "thoughtSignature",
        "encrypted_content",
        "cache_control",
        "cachePoint",
        "prompt_cache_breakpoint",
        "inlineData",
        "inline_data",
        "fileData",
        "input_audio",
        "model",
        "taskType",
        "task_type",
    )
)


def read_prompt(body: bytes) -> Prompt:
    """The prompt of a JSON request body; an empty one where it cannot be read. Never raises."""
    document = parse(body)
    if not isinstance(document, dict):
        return Prompt()
    messages = [
        *(
            Message(Role.SYSTEM, (text,))
            for key in _INSTRUCTIONS
            for text in _strings(document.get(key))
            if text
        ),
        *(message for key in _CHATS for message in _messages(document.get(key))),
        *(Message(Role.NONE, (text,)) for key in _BARE for text in _strings(document.get(key))),
    ]
    return Prompt(
        messages=tuple(messages),
        functions=tuple(_functions(document)),
        schema=_schema(document),
        pictures=tuple(
            picture
            for key in (*_INSTRUCTIONS, *_CHATS)
            for value in _objects(document.get(key))
            if (picture := picture_of(value)) is not None
        ),
        unseen=_counts_unseen(document),
        settings={key: document[key] for key in SETTINGS if document.get(key) is not None},
    )


def _messages(value: object) -> Iterator[Message]:
    """Messages of a list; a lone text or object is one message, and so is each text of a list."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str):
            yield Message(Role.USER, (well_formed(each),))
        elif isinstance(each, dict):
            yield _message(each)


def _message(item: Mapping[str, object]) -> Message:
    role = _ROLES.get(str(item.get("role", "user")).lower(), Role.USER)
    parts = list(_parts(item))
    calls = tuple(_call(part) for part in parts if _is_call(part))
    results = [part for part in parts if _is_result(part)]
    rest = {key: value for key, value in item.items() if key not in ("tool_calls", "name", *_CALLS)}
    if _is_call(item):
        rest = {}
    thoughts: tuple[str, ...] = ()
    if role is Role.ASSISTANT and not calls:
        thoughts = tuple(_strings([rest.pop(key, None) for key in _THOUGHTS]))
    texts = tuple(_strings(rest))
    if role is Role.ASSISTANT and not calls:
        thoughts += tuple(found for text in texts for found in _THINK.findall(text))
        texts = tuple(_THINK.sub("", text) for text in texts)
    if calls and _is_call(item):
        role = Role.ASSISTANT
    elif results:
        role = Role.TOOL
    name = item.get("name")
    named = isinstance(name, str) and role is not Role.TOOL and not calls
    return Message(
        role,
        texts,
        calls,
        thoughts,
        results=len(results) or int(role is Role.TOOL),
        name=well_formed(str(name)) if named else None,
    )


def _parts(item: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """The message itself, its content parts, and the calls beside its content."""
    yield item
    for key in ("content", "parts", "tool_calls"):
        value = item.get(key)
        if isinstance(value, list):
            yield from (part for part in value if isinstance(part, dict))


def _is_call(part: Mapping[str, object]) -> bool:
    if part.get("type") in _CALL_TYPES:
        return True
    return any(isinstance(part.get(key), dict) for key in (*_CALLS, "function"))


def _is_result(part: Mapping[str, object]) -> bool:
    return part.get("type") in _RESULT_TYPES or any(
        isinstance(part.get(key), dict) for key in _RESULTS
    )


def _call(part: Mapping[str, object]) -> ToolCall:
    nested = (part.get(key) for key in (*_CALLS, "function"))
    body = next((value for value in nested if isinstance(value, dict)), part)
    arguments = next((body[key] for key in ("arguments", "args", "input") if key in body), "")
    text = well_formed(arguments) if isinstance(arguments, str) else dump(arguments)
    return ToolCall(well_formed(str(body.get("name", ""))), text)


def _functions(document: Mapping[str, object]) -> Iterator[Function]:
    """Declarations by every API's names. Tools that the provider runs are not functions."""
    listed = [document.get("tools"), document.get("functions")]
    config = document.get("toolConfig")
    if isinstance(config, dict):
        listed.append(config.get("tools"))
    for tools in listed:
        for tool in tools if isinstance(tools, list) else []:
            for each in _declarations(tool) if isinstance(tool, dict) else ():
                yield _function(each)


def _declarations(tool: Mapping[str, object]) -> Iterable[Mapping[str, object]]:
    for key in ("functionDeclarations", "function_declarations"):
        if isinstance(many := tool.get(key), list):
            return [each for each in many if isinstance(each, dict)]
    for key in ("function", "toolSpec"):
        if isinstance(one := tool.get(key), dict):
            return [one]
    mine = tool.get("type") in (None, "function", "custom") and "name" in tool
    return [tool] if mine else []


def _function(declared: Mapping[str, object]) -> Function:
    keys = ("parameters", "input_schema", "parametersJsonSchema", "inputSchema")
    schema = next((declared[key] for key in keys if declared.get(key) is not None), None)
    if isinstance(schema, dict) and isinstance(nested := schema.get("json"), dict):
        schema = nested
    return Function(
        well_formed(str(declared.get("name", ""))),
        well_formed(str(declared.get("description") or "")),
        schema,
    )


def _schema(document: Mapping[str, object]) -> str:
    """The schema of ``response_format``, ``text.format``, or ``output_config.format``."""
    for path in (("response_format",), ("text", "format"), ("output_config", "format")):
        value: object = document
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if not isinstance(value, dict):
            continue
        wrapped = value.get("json_schema")
        named = wrapped if isinstance(wrapped, dict) else value
        if (schema := named.get("schema")) is not None:
            return dump(schema)
    return ""


def _counts_unseen(document: Mapping[str, object]) -> bool:
    if any(document.get(key) for key in _STORED):
        return True
    tools = document.get("tools")
    for tool in tools if isinstance(tools, list) else []:
        if isinstance(tool, dict) and not list(_declarations(tool)):
            return True
    held = (value for key in (*_INSTRUCTIONS, *_CHATS) for value in _objects(document.get(key)))
    return any(
        value.get("type") in _OPAQUE_TYPES or any(value.get(key) for key in _OPAQUE_KEYS)
        for value in held
    )


def _strings(value: object) -> Iterator[str]:
    """Every text in a value, in order."""
    rest = [value]
    while rest:
        each = rest.pop()
        if isinstance(each, str):
            yield well_formed(each)
        elif isinstance(each, list):
            rest.extend(reversed(each))
        elif isinstance(each, dict) and not _is_call(each):
            rest.extend(each[key] for key in reversed(each) if key not in _NOT_TEXT)


def _objects(value: object) -> Iterator[Mapping[str, object]]:
    """Every object in a value, in order."""
    rest = [value]
    while rest:
        each = rest.pop()
        if isinstance(each, list):
            rest.extend(reversed(each))
        elif isinstance(each, dict):
            yield each
            rest.extend(reversed(each.values()))
