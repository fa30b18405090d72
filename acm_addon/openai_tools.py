"""How OpenAI's models are told of functions: declarations in the manner of TypeScript.

OpenAI publishes no format. This one was found by others from reported counts (the npm package
openai-chat-tokens among them), and ours agree with the recordings of ``make accuracy``.
"""

from collections.abc import Iterable, Iterator, Mapping

from acm_addon.providers.prompts import Function, dump

_MAX_DEPTH = 16
"""Objects in objects that are written out; what lies deeper is ``any``."""
_PLAIN = {
    "integer": "number",
    "number": "number",
    "string": "string",
    "boolean": "boolean",
    "null": "null",
}


def declarations(functions: Iterable[Function]) -> str:
    """All functions as one text."""
    lines = ["namespace functions {", ""]
    for function in functions:
        lines += [f"// {line}" for line in function.description.splitlines()]
        schema = function.parameters
        if isinstance(schema, dict) and schema.get("properties"):
            lines.append(f"type {function.name} = (_: {{")
            lines += _members(schema, 0)
            lines.append("}) => any;")
        else:
            lines.append(f"type {function.name} = () => any;")
        lines.append("")
    return "\n".join([*lines, "} // namespace functions"])


def _members(schema: Mapping[str, object], depth: int) -> Iterator[str]:
    """The lines of an object's properties."""
    properties = schema.get("properties")
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    for name, member in properties.items() if isinstance(properties, dict) else ():
        described = member if isinstance(member, dict) else {}
        if isinstance(text := described.get("description"), str):
            yield from (f"// {line}" for line in text.splitlines())
        mark = "" if name in needed else "?"
        yield f"{name}{mark}: {_type(described, depth)},"


def _type(schema: Mapping[str, object], depth: int) -> str:
    if depth > _MAX_DEPTH:
        return "any"
    choices = list(_choices(schema, depth))
    if choices:
        return " | ".join(choices)
    kind = schema.get("type")
    if kind == "array":
        items = schema.get("items")
        return f"{_type(items, depth + 1) if isinstance(items, dict) else 'any'}[]"
    if kind == "object":
        return "\n".join(["{", *_members(schema, depth + 1), "}"])
    return _PLAIN.get(str(kind), "any")


def _choices(schema: Mapping[str, object], depth: int) -> Iterator[str]:
    """The values, schemas, or types that a schema lets choose from, if it does."""
    values, schemas, kinds = (schema.get(key) for key in ("enum", "anyOf", "type"))
    if isinstance(values, list):
        yield from map(dump, values)
    elif isinstance(schemas, list):
        yield from (_type(each, depth + 1) for each in schemas if isinstance(each, dict))
    elif isinstance(kinds, list):
        yield from (_type({**schema, "type": each}, depth + 1) for each in kinds)
