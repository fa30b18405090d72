"""Usage that the provider did not report, counted by a tokenizer. Slow: not for the event loop.

What a call has of each part is counted here (``InputParts``, ``OutputParts``); what a part is worth
to a family of models is in ``families.py``.
"""

import re
from collections import Counter
from dataclasses import replace

from acm_addon.families import Family, family_of, with_own_encoding
from acm_addon.model import Quantity, Reason, Usage, UsageSource
from acm_addon.openai_tools import declarations
from acm_addon.parts import InputParts, OutputParts, weigh
from acm_addon.picture_tokens import picture_tokens
from acm_addon.providers.prompts import Answer, Function, Prompt, Role, dump
from acm_addon.tap import Outcome
from acm_addon.tokens import count_tokens, is_available

_WITHOUT_MESSAGES = frozenset(
    (
        "completions",
        "fim.completions",
        "complete",
        "embeddings",
        "embedContent",
        "batchEmbedContents",
    )
)
"""Endpoints that count texts alone."""
_RESPONSES = "responses"
_OFF = ("none", "minimal", "disabled")
_GREAT = ("high", "xhigh", "max")


def estimated_usage(outcome: Outcome) -> Usage:
    """The outcome's usage with its missing totals counted from the texts, marked estimated.

    A total that the provider did report is kept. A total whose texts could not be read stays
    unknown. Where something counts that was not seen (sound, files, stored conversations, pictures
    of unknown size, hidden thoughts), the count is of what was, and the usage marked incomplete.
    """
    assert outcome.texts is not None
    prompt, answer = outcome.texts()
    exchange = outcome.exchange
    family = counted_family(exchange.model, exchange.provider)
    quantities: dict[str, Quantity] = dict(outcome.usage.quantities)
    unseen = False
    if "input_tokens" not in quantities and not prompt.is_empty:
        pictures = [picture_tokens(each, exchange.model) for each in prompt.pictures]
        seen = sum(tokens for tokens in pictures if tokens is not None)
        amounts = replace(input_amounts(prompt, family, exchange.endpoint), pictures=seen)
        quantities["input_tokens"] = round(weigh(amounts, family.input))
        unseen = prompt.unseen or None in pictures
    missing = "input_tokens" not in quantities
    if outcome.usage.incomplete:
        # Nothing readable is not nothing generated.
        missing = missing or answer.is_empty
        if not answer.is_empty:
            written = output_amounts(answer, family, exchange.endpoint)
            quantities["output_tokens"] = round(weigh(written, family.output))
            unseen = unseen or thinks_unseen(family, exchange.model, prompt, answer)
    reason = outcome.usage.reason
    return Usage(
        quantities,
        UsageSource.ESTIMATED if quantities else UsageSource.NONE,
        None if reason is Reason.NO_USAGE and not missing and not unseen else reason,
        incomplete=missing or unseen,
    )


def counted_family(model: str | None, provider: str) -> Family:
    """The family of a model, with its maker's own encoding where that is installed."""
    family = family_of(model, provider)
    return with_own_encoding(family) if is_available(family.own_encoding) else family


def input_amounts(prompt: Prompt, family: Family, endpoint: str) -> InputParts:
    """How much an input has of each part, but for pictures."""
    read = prompt.without_thoughts() if family.forgets else prompt
    texts = count_tokens(read.texts, family.encoding)
    roles = Counter(message.role for message in prompt.messages)
    if endpoint in _WITHOUT_MESSAGES or roles.total() == roles[Role.NONE] > 0:
        bare = sum(roles.values())
        return InputParts(text=texts, bare=bare, declared=0, schema_text=0, pictures=0)
    names = [message.name for message in prompt.messages if message.name is not None]
    functions = len(prompt.functions)
    return InputParts(
        text=texts + count_tokens(names, family.encoding),
        call=1,
        system=roles[Role.SYSTEM],
        user=roles[Role.USER],
        assistant=roles[Role.ASSISTANT],
        result=sum(message.results for message in prompt.messages),
        tool_call=sum(len(message.calls) for message in prompt.messages),
        name=len(names),
        tools=bool(functions),
        tools_in_system=bool(functions and roles[Role.SYSTEM]),
        tools_in_chat=bool(functions and endpoint == "chat.completions"),
        forced=bool(functions) and _is_call_forced(prompt),
        function=functions,
        declared=count_tokens([_declared(prompt.functions, family)], family.encoding),
        schema=bool(prompt.schema),
        schema_text=count_tokens([prompt.schema], family.encoding),
        thinking=_told_to_think(prompt) or False,
        effort=_is_great(_effort(prompt), endpoint),
        compact=endpoint == "responses.compact",
        pictures=0,
    )


def output_amounts(answer: Answer, family: Family, endpoint: str) -> OutputParts:
    """How much an output has of each part."""
    shown = [*answer.texts, *answer.calls, *answer.reasoning]
    return OutputParts(
        text=count_tokens(shown, family.encoding),
        answer=bool(answer.texts) and not answer.calls,
        called=bool(answer.calls),
        tool_call=len(answer.calls),
        thought=bool(answer.reasoning),
        responses=endpoint == _RESPONSES,
    )


def thinks_unseen(family: Family, model: str | None, prompt: Prompt, answer: Answer) -> bool:
    """Whether the model was likely to think, and what it thought is not in the answer."""
    if answer.reasoning:
        return family.summarizes
    told = _told_to_think(prompt)
    name = (model or "").lower().rpartition("/")[2]
    return told if told is not None else bool(family.thinks and re.match(family.thinks, name))


def _declared(functions: tuple[Function, ...], family: Family) -> str:
    if not functions:
        return ""
    if family.typescript:
        return declarations(functions)
    return "\n".join(
        dump({"name": each.name, "description": each.description, "parameters": each.parameters})
        for each in functions
    )


def _is_call_forced(prompt: Prompt) -> bool:
    choice = prompt.settings.get("tool_choice")
    if isinstance(choice, dict):
        return choice.get("type") not in ("auto", "none")
    return choice in ("required", "any")


def _is_great(effort: object, endpoint: str) -> bool:
    """Whether much effort is asked for; where nothing is, the Responses API makes much."""
    return endpoint == _RESPONSES if effort is None else effort in _GREAT


def _effort(prompt: Prompt) -> object:
    reasoning = prompt.settings.get("reasoning")
    if isinstance(reasoning, dict) and "effort" in reasoning:
        return reasoning["effort"]
    return prompt.settings.get("reasoning_effort")


def _told_to_think(prompt: Prompt) -> bool | None:
    """What the request says about thinking, by any API's names; None where it says nothing."""
    thinking, reasoning = prompt.settings.get("thinking"), prompt.settings.get("reasoning")
    if isinstance(thinking, dict) and "type" in thinking:
        return thinking["type"] not in _OFF
    if isinstance(reasoning, dict) and "enabled" in reasoning:
        return reasoning["enabled"] is True
    effort = _effort(prompt)
    return None if effort is None else effort not in _OFF
