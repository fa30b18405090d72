"""Estimates, from the real tap and the real tokenizer."""

import json

import pytest

from acm_addon.estimate import estimated_usage
from acm_addon.model import Reason, Usage, UsageSource
from acm_addon.tap import exhaust
from tests.taps import answered, call, ended

STREAM = b"".join(
    b"data: " + json.dumps(event).encode() + b"\n\n"
    for event in (
        {"id": "c", "model": "gpt-4o", "choices": [{"index": 0, "delta": {"content": word}}]}
        for word in ("Hello", " there", ",", " friend")
    )
)


def test_a_stream_without_usage_is_counted() -> None:
    """Input and output are counted from their texts, and the row says that they are estimates.

    Of the input one token is the word, and seven are what the chat format puts around it.
    """
    outcome = ended(answered(STREAM + b"data: [DONE]\n\n", content_type="text/event-stream"))

    usage = estimated_usage(outcome)

    assert UsageSource.ESTIMATED == usage.source
    assert {"input_tokens": 8, "output_tokens": 4} == dict(usage.quantities)
    assert usage.reason is None


def test_a_stream_cut_off_counts_what_was_received() -> None:
    """What was generated before the cut was billed; no more than that is claimed."""
    outcome = ended(answered(STREAM, content_type="text/event-stream"), failure=Reason.CLIENT_LEFT)

    assert 4 == estimated_usage(outcome).quantities["output_tokens"]


def test_a_text_without_messages_is_counted_as_it_is() -> None:
    """Legacy completions and embeddings have no chat format to allow for."""
    body = json.dumps({"id": "c", "model": "davinci-002", "choices": [{"text": "Hi"}]})
    one = call("/v1/completions")
    exhaust(one.request_data(b'{"model":"davinci-002","prompt":"Hello"}'))
    one.request_done()
    one.response_started(200, {"content-type": "application/json"})
    exhaust(one.response_data(body.encode(), 100.25))

    usage = estimated_usage(ended(one))

    assert {"input_tokens": 1, "output_tokens": 1} == dict(usage.quantities)


def _counted(request: dict[str, object], answer: dict[str, object]) -> Usage:
    """The estimate of a chat whose response reports nothing."""
    one = call("/v1/chat/completions")
    exhaust(one.request_data(json.dumps(request).encode()))
    one.request_done()
    one.response_started(200, {"content-type": "application/json"})
    body = {"id": "c", "model": request["model"], "choices": [{"index": 0, "message": answer}]}
    exhaust(one.response_data(json.dumps(body).encode(), 100.25))
    return estimated_usage(ended(one))


COOKBOOK = [
    {
        "role": "system",
        "content": "You are a helpful, pattern-following assistant that translates corporate"
        " jargon into plain English.",
    },
    {
        "role": "system",
        "name": "example_user",
        "content": "New synergies will help drive top-line growth.",
    },
    {
        "role": "system",
        "name": "example_assistant",
        "content": "Things working well together will increase revenue.",
    },
    {
        "role": "system",
        "name": "example_user",
        "content": "Let's circle back when we have more bandwidth to touch base on opportunities"
        " for increased leverage.",
    },
    {
        "role": "system",
        "name": "example_assistant",
        "content": "Let's talk later when we're less busy about how to do better.",
    },
    {
        "role": "user",
        "content": "This late pivot means we don't have time to boil the ocean for the client"
        " deliverable.",
    },
]


@pytest.mark.parametrize(
    ("model", "expected"), [("gpt-3.5-turbo", 129), ("gpt-4", 129), ("gpt-4o", 124)]
)
def test_the_example_of_openai_s_cookbook(model: str, expected: int) -> None:
    """Its messages and the counts that it says the API reported for them."""
    usage = _counted({"model": model, "messages": COOKBOOK}, {"content": "Hi"})

    assert expected == usage.quantities["input_tokens"]


CALL = {"function": {"name": "now", "arguments": "{}"}, "type": "function", "id": "c"}
TOOLS = [{"type": "function", "function": {"name": "now", "description": "Tells the time"}}]
ASKED = [{"role": "user", "content": "What time is it?"}]


def test_a_tool_call_costs_more_than_its_words() -> None:
    """The declarations are input, and the call is wrapped."""
    plain = _counted({"model": "gpt-4o", "messages": ASKED}, {"content": "now{}"})
    called = _counted(
        {"model": "gpt-4o", "messages": ASKED, "tools": TOOLS}, {"tool_calls": [CALL]}
    )

    assert plain.quantities["input_tokens"] + 20 < called.quantities["input_tokens"]
    assert plain.quantities["output_tokens"] + 7 == called.quantities["output_tokens"]


@pytest.mark.parametrize(
    "addition",
    [
        {"previous_response_id": "resp_1"},
        {"tools": [{"type": "web_search"}]},
        {"messages": [{"role": "user", "content": [{"type": "input_audio"}, {"text": "Hi"}]}]},
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "Hi"},
                        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                    ],
                }
            ]
        },
    ],
    ids=["stored", "search", "sound", "picture"],
)
def test_what_counts_unseen_leaves_the_count_incomplete(addition: dict[str, object]) -> None:
    """What can be counted is, and the row does not claim to be all."""
    usage = _counted({"model": "gpt-4o", "messages": ASKED, **addition}, {"content": "Ten."})

    assert usage.quantities["input_tokens"] > 0
    assert usage.incomplete


@pytest.mark.parametrize(
    ("request_fields", "shown", "incomplete"),
    [
        ({"model": "gpt-4o"}, {}, False),
        ({"model": "gpt-5"}, {}, True),
        ({"model": "o3"}, {}, True),
        ({"model": "gpt-5.4"}, {}, False),
        ({"model": "gpt-5.4", "reasoning_effort": "high"}, {}, True),
        ({"model": "gpt-5", "reasoning_effort": "none"}, {}, False),
        ({"model": "deepseek-r1"}, {"reasoning_content": "Hm."}, False),
        ({"model": "deepseek-r1"}, {}, True),
        ({"model": "claude-sonnet-4-5", "thinking": {"type": "enabled"}}, {}, True),
        ({"model": "claude-sonnet-4-5", "thinking": {"type": "disabled"}}, {}, False),
        ({"model": "anthropic/claude-sonnet-4.5"}, {"reasoning": "In short: ten."}, True),
    ],
)
def test_hidden_thoughts_leave_the_count_incomplete(
    request_fields: dict[str, object], shown: dict[str, object], incomplete: bool
) -> None:
    """How much a model thought unseen is unknown, and said to be; unless it was told not to."""
    usage = _counted({"messages": ASKED, **request_fields}, {"content": "Ten.", **shown})

    assert incomplete is usage.incomplete


@pytest.mark.parametrize(("model", "difference"), [("zai-glm-4.7", 0), ("magistral-medium", 4)])
def test_thoughts_that_a_model_forgets_do_not_count(model: str, difference: int) -> None:
    """What the caller sends back is dropped before some models read it."""

    def tokens(content: str) -> int:
        history = [*ASKED, {"role": "assistant", "content": content}, *ASKED]
        usage = _counted({"model": model, "messages": history}, {"content": "Ten."})
        return int(usage.quantities["input_tokens"])

    added = tokens("<think>five and five make ten</think>Ten.") - tokens("Ten.")

    assert added == 0 if difference == 0 else added > difference


def test_no_request_body_is_no_input_of_zero() -> None:
    """What was not read stays unknown."""
    usage = _counted({"model": "gpt-4o"}, {"content": "Ten."})

    assert "input_tokens" not in usage.quantities
    assert usage.incomplete
