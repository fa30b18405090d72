"""The tools of a response: billed beside its tokens, and stated in two places."""

import json
from collections.abc import Callable
from typing import Any

import pytest

type Run = Callable[..., Any]

RESPONSES = "openai/v1/responses"
_USAGE = {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}
_IMAGE_GEN = {
    "input_tokens": 50,
    "input_tokens_details": {"image_tokens": 40, "text_tokens": 10},
    "output_tokens": 272,
    "output_tokens_details": {"image_tokens": 272, "text_tokens": 0},
    "cached_tokens": 5,
    "cached_tokens_details": {"cached_image_tokens": 4, "cached_text_tokens": 1},
    "total_tokens": 322,
}
_NOTHING = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}


def _facts(run: Run, *, streamed: bool, **fields: object) -> Any:
    response = {"id": "r", "status": "completed", "model": "gpt-5", "usage": _USAGE, **fields}
    body = json.dumps(response)
    if streamed:
        event = json.dumps({"type": "response.completed", "response": response})
        body = f"event: response.completed\ndata: {event}\n\n"
    return run(RESPONSES, body.encode(), piece=7).response.facts()


def _searched(action: str | None) -> dict[str, object]:
    return {"type": "web_search_call", **({"action": {"type": action}} if action else {})}


@pytest.mark.parametrize("streamed", [False, True])
def test_looking_at_a_page_is_no_search(run: Run, streamed: bool) -> None:
    output = [_searched(each) for each in ("search", "open_page", "find_in_page", None)]
    facts = _facts(run, streamed=streamed, output=output)
    assert 2 == facts.quantities["web_searches"]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("stated", "items", "expected"),
    [
        pytest.param(1, 3, 1, id="not every search is billed"),
        pytest.param(0, 1, 0, id="none of them was"),
        pytest.param(2, 0, 2, id="the items were left out"),
        pytest.param(0, 0, None, id="none took place"),
    ],
)
def test_stated_searches_are_the_billed_ones(
    run: Run, streamed: bool, stated: int, items: int, expected: int | None
) -> None:
    """``tool_usage`` leaves out searches that are not billed."""
    usage = {"web_search": {"num_requests": stated}, "image_gen": _NOTHING}
    output = [_searched("search")] * items
    facts = _facts(run, streamed=streamed, output=output, tool_usage=usage)
    assert expected == facts.quantities.get("web_searches")


@pytest.mark.parametrize("streamed", [False, True])
def test_the_model_that_draws_has_prices_of_its_own(run: Run, streamed: bool) -> None:
    """Its tokens are not in ``usage``; the tool says which model it is."""
    facts = _facts(
        run,
        streamed=streamed,
        output=[{"type": "image_generation_call"}],
        tools=[{"type": "image_generation", "model": "gpt-image-2"}],
        tool_usage={"image_gen": _IMAGE_GEN, "web_search": {"num_requests": 0}},
    )
    assert {"input_tokens": 9, "output_tokens": 4} == facts.quantities
    (drawn,) = facts.others
    assert "gpt-image-2" == drawn.model
    assert {
        "input_tokens": 50,
        "output_tokens": 272,
        "input_image_tokens": 40,
        "input_text_tokens": 10,
        "output_image_tokens": 272,
        "output_text_tokens": 0,
        "cache_read_tokens": 5,
        "cache_image_read_tokens": 4,
        "cache_text_read_tokens": 1,
    } == drawn.quantities


def test_an_image_model_that_is_not_named_is_not_guessed(run: Run) -> None:
    """What the default is has changed before."""
    usage = {"image_gen": _IMAGE_GEN}
    facts = _facts(run, streamed=False, tools=[{"type": "image_generation"}], tool_usage=usage)
    assert [None] == [each.model for each in facts.others]


def test_images_without_tokens_have_no_price(run: Run) -> None:
    """A record of them may be missing, so that zeros beside an image mean nothing."""
    output = [{"type": "image_generation_call"}]
    facts = _facts(run, streamed=False, output=output, tool_usage={"image_gen": _NOTHING})
    assert (1, ()) == (facts.quantities["image_generations"], facts.others)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_container_that_was_there_before_is_not_billed_again(run: Run, streamed: bool) -> None:
    """The request named one; the other was made for this response."""
    calls = [
        {"type": "code_interpreter_call", "container_id": name}
        for name in ("cntr_mine", "cntr_new", "cntr_new")
    ]
    tools = [{"type": "code_interpreter", "container": "cntr_mine"}]
    facts = _facts(run, streamed=streamed, output=calls, tools=tools)
    assert 1 == facts.quantities["container_sessions"]
    facts = _facts(run, streamed=streamed, output=calls[:1], tools=tools)
    assert "container_sessions" not in facts.quantities


def test_what_is_written_to_a_cache_is_told_by_how_long_it_stays(run: Run) -> None:
    """Twelve hours cost more than thirty minutes."""
    details = {
        "cached_tokens": 2,
        "cache_write_tokens": 7,
        "cache_write_tokens_details": {"ttl_30m_tokens": 3, "ttl_12h_tokens": 4},
    }
    facts = _facts(run, streamed=False, usage={**_USAGE, "input_tokens_details": details})
    assert {
        "input_tokens": 9,
        "output_tokens": 4,
        "cache_read_tokens": 2,
        "cache_write_tokens": 7,
        "cache_write_30m_tokens": 3,
        "cache_write_12h_tokens": 4,
    } == facts.quantities


@pytest.mark.parametrize("hostile", ["-1", '"x"', "1e308", "[]", "null", "{}"])
def test_hostile_tool_usage_is_dropped(run: Run, hostile: str) -> None:
    body = (
        '{"id":"r","status":"completed","usage":{"input_tokens":1,"output_tokens":1},'
        '"tools":[%s],"output":[%s],"tool_usage":{"web_search":{"num_requests":%s},'
        '"image_gen":{"input_tokens":%s,"cached_tokens_details":%s}}}'
    ).replace("%s", hostile)
    facts = run(RESPONSES, body.encode()).response.facts()
    assert ({"input_tokens": 1, "output_tokens": 1}, ()) == (facts.quantities, facts.others)
