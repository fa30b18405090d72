"""What a request puts before a model and what the model wrote: the values that estimates count.

In memory only, never written; used only where a provider reports no usage.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from acm_addon.providers.pictures import Picture


class Role(Enum):
    """Whose words a message holds, whatever the API calls it."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    NONE = "none"
    """A text outside of any chat: to complete, to embed, to rank."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    name: str
    arguments: str
    """JSON, as far as it is one."""


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    texts: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    """What the model called, in its own message."""
    thoughts: tuple[str, ...] = ()
    """What the model thought before this answer, as the caller gives it back. Beside a call it is
    not among these but in ``texts``: a model goes on with it."""
    results: int = 0
    """How many tool results the message holds; their texts are in ``texts``."""
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A tool that the caller runs."""

    name: str
    description: str
    parameters: object
    """The JSON schema of its arguments; None where it takes none."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A model's input as far as the request shows it. The default is a request that shows none."""

    messages: tuple[Message, ...] = ()
    """In order, instructions first; texts outside of any chat last, one message each."""
    functions: tuple[Function, ...] = ()
    schema: str = ""
    """The JSON schema that the answer has to follow."""
    pictures: tuple[Picture, ...] = ()
    unseen: bool = False
    """Whether something counts of which the request holds no text: sound, a file, what is stored
    elsewhere, what a provider's own tool finds."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """Those of the request that change how the input is framed: see ``SETTINGS``."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found that counts."""
        return not (self.messages or self.functions or self.pictures)

    @property
    def texts(self) -> list[str]:
        """All that the messages say, thoughts and calls included, in order."""
        return [text for message in self.messages for text in _texts_of(message)]

    def without_thoughts(self) -> "Prompt":
        """What is left where thoughts of earlier answers are dropped."""
        kept = (replace(message, thoughts=()) for message in self.messages)
        return replace(self, messages=tuple(kept))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model wrote, as far as the response shows it."""

    texts: tuple[str, ...] = ()
    """Visible text and the arguments of calls, in order; pieces of one text are joined."""
    calls: tuple[str, ...] = ()
    """The names of the tools that it called."""
    reasoning: tuple[str, ...] = ()
    """Shown thoughts, or a summary of them."""

    @property
    def is_empty(self) -> bool:
        return not (self.texts or self.calls or self.reasoning)


SETTINGS = ("thinking", "reasoning", "reasoning_effort", "tool_choice")
"""Fields of requests that decide about hidden input and output, kept as they came."""


def dump(value: object) -> str:
    """A value as the compact JSON that models are given and write."""
    try:
        return well_formed(json.dumps(value, ensure_ascii=False, default=str))
    except (ValueError, RecursionError):
        return ""


def well_formed(text: str) -> str:
    """``text`` without lone surrogates, which JSON can carry and no encoder takes."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _texts_of(message: Message) -> Iterator[str]:
    yield from message.thoughts
    yield from message.texts
    for call in message.calls:
        yield from (call.name, call.arguments)
