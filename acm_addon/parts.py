"""What an input and an output are made of, and how many tokens each part is worth. Pure values.

One type is used twice: as the amounts that a call has of each part, and as the tokens that one of
each part is worth to a family of models. Their products add up to the count.
"""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class InputParts:
    """Parts of an input, in the unit that each docstring names."""

    text: float = 1.0
    """Tokens of the messages' texts and calls, by the encoding that the family is counted with."""
    call: float = 0.0
    """The call itself: preambles, and what begins the reply."""
    system: float = 0.0
    """Messages of instructions."""
    user: float = 0.0
    assistant: float = 0.0
    result: float = 0.0
    """Results of tools."""
    tool_call: float = 0.0
    """Calls of tools in earlier answers."""
    name: float = 0.0
    """Names of speakers, beside the tokens of the name."""
    tools: float = 0.0
    """1 where functions are declared: the instructions that a provider puts around them."""
    tools_in_system: float = 0.0
    """1 where functions and instructions are both given, and share a message."""
    tools_in_chat: float = 0.0
    """1 where functions are declared to chat.completions."""
    forced: float = 0.0
    """1 where the request forces a call: other instructions than where it does not."""
    function: float = 0.0
    """Declared functions."""
    declared: float = 1.0
    """Tokens of the declarations, as TypeScript (OpenAI) or JSON."""
    schema: float = 0.0
    """1 where the answer has to follow a JSON schema."""
    schema_text: float = 1.0
    """Tokens of that schema."""
    thinking: float = 0.0
    """1 where the request turns thinking on."""
    effort: float = 0.0
    """1 where much effort is asked for, or none is named and that is the default."""
    compact: float = 0.0
    """1 where a conversation is to be compacted."""
    bare: float = 0.0
    """Texts outside of any chat: embeddings, completions."""
    pictures: float = 1.0
    """Tokens of the pictures, by the provider's published rule."""


@dataclass(frozen=True, slots=True)
class OutputParts:
    """Parts of an output."""

    text: float = 1.0
    """Tokens of all that is shown: text, calls, and reasoning."""
    answer: float = 0.0
    """1 where there is text: what begins and ends it."""
    called: float = 0.0
    """1 where tools were called."""
    tool_call: float = 0.0
    """Calls of tools."""
    thought: float = 0.0
    """1 where reasoning is shown."""
    responses: float = 0.0
    """1 for the Responses API, which counts the end of the answer too."""


def weigh[T: (InputParts, OutputParts)](amounts: T, worth: T) -> float:
    """The tokens of ``amounts``, each at its ``worth``."""
    names = (each.name for each in fields(amounts))
    total = sum(float(getattr(amounts, name)) * float(getattr(worth, name)) for name in names)
    return max(total, 0.0)
