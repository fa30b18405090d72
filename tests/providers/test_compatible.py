"""What the compatible family's members do otherwise than OpenAI."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from acm_addon.model import Reason, UsageSource
from acm_addon.providers import PROVIDERS
from acm_addon.providers.base import Billing, RequestHead, ResponseFacts, ResponseHead
from acm_addon.providers.compatible_jobs import has_ended
from tests.providers.conftest import Run

_BY_NAME = {provider.name: provider for provider in PROVIDERS}


def _shown(path: str, answer: object, status: int = 200) -> ResponseFacts:
    """What the answer to a GET says of earlier work."""
    name, _, rest = path.partition("/")
    rest, _, query = rest.partition("?")
    provider = _BY_NAME[name]
    head = RequestHead("GET", "/" + rest, query)
    endpoint = provider.classify(head)
    assert endpoint.billing is Billing.RESULT
    request = provider.request_reader(endpoint, head).facts()
    reader = provider.response_reader(endpoint, request, ResponseHead(status))
    reader.feed(json.dumps(answer).encode())
    return reader.facts()


def test_rankings_that_state_a_total_alone_are_input(run: Run) -> None:
    call = run("voyage/v1/rerank", b'{"model": "rerank-2.5", "usage": {"total_tokens": 12}}')
    facts = call.response.facts()
    assert ("rerank-2.5", {"input_tokens": 12}) == (facts.model, facts.quantities)
    assert facts.finished


def test_rankings_billed_by_search_count_searches(run: Run) -> None:
    answer = b'{"usage": {"search_units": 1, "total_tokens": 5, "cost": 0.001}}'
    facts = run("openrouter/api/v1/rerank", answer).response.facts()
    assert {"input_tokens": 5, "rerank_searches": 1} == facts.quantities
    assert 1_000_000 == facts.provider_cost


def test_speech_is_billed_by_the_characters_of_the_request(run: Run) -> None:
    call = run(
        "groq/openai/v1/audio/speech",
        b"RIFF\x00",
        b'{"model": "m", "input": "Gr\\u00fc\\u00df"}',
        content_type="audio/wav",
    )
    facts = call.response.facts()
    assert ({"input_characters": 4}, UsageSource.DERIVED) == (facts.quantities, facts.usage_source)
    assert facts.finished


def test_failed_speech_has_no_characters(run: Run) -> None:
    """What the request asks for was not consumed."""
    facts = run("xai/v1/tts", b"{}", b'{"text": "Hello"}', status=500).response.facts()
    assert ({}, Reason.PROVIDER_ERROR) == (facts.quantities, facts.reason)


def test_an_endpoint_without_models_has_the_name_that_prices_go_by(run: Run) -> None:
    assert "text-to-speech" == run("xai/v1/tts", b"x", b'{"text": "Hello"}').endpoint.model


def test_minimax_states_the_characters_that_it_bills(run: Run) -> None:
    answer = (
        b'{"data": {}, "extra_info": {"usage_characters": 26}, "base_resp": {"status_code": 0}}'
    )
    facts = run(
        "minimax/v1/t2a_v2", answer, b'{"model": "speech-02", "text": "Hi"}'
    ).response.facts()
    assert ({"input_characters": 26}, False) == (facts.quantities, facts.failed)


def test_pages_are_counted(run: Run) -> None:
    answer = b'{"model": "mistral-ocr-latest", "usage_info": {"pages_processed": 3}}'
    facts = run("mistral/v1/ocr", answer).response.facts()
    assert {"input_document_pages": 3} == facts.quantities


def test_a_transcription_states_its_seconds_exactly(run: Run) -> None:
    facts = run("xai/v1/stt", b'{"text": "x", "duration": 3.7}').response.facts()
    assert {"input_audio_seconds": Decimal("3.7")} == facts.quantities


@pytest.mark.parametrize("bad", ["-1", '"3"', "1e400", "true", "[]"])
def test_seconds_that_are_none_are_bad_usage(run: Run, bad: str) -> None:
    facts = run("xai/v1/stt", f'{{"duration": {bad}}}'.encode()).response.facts()
    assert ({}, Reason.BAD_USAGE) == (facts.quantities, facts.reason)


def test_what_connectors_fed_to_a_conversation_is_input(run: Run) -> None:
    """The total says so: prompt + connectors + completion."""
    usage = {
        "prompt_tokens": 188,
        "completion_tokens": 55,
        "total_tokens": 7355,
        "connector_tokens": 7112,
        "connectors": {"web_search": 2},
    }
    answer = json.dumps({"conversation_id": "c", "usage": usage}).encode()
    facts = run("mistral/v1/conversations", answer).response.facts()
    assert {"input_tokens": 7300, "output_tokens": 55, "web_searches": 2} == facts.quantities


def test_deferred_chat_is_pending_under_the_id_to_ask_by(run: Run) -> None:
    facts = run("xai/v1/chat/completions", b'{"request_id": "r1"}').response.facts()
    assert ("r1", True) == (facts.object_id, facts.pending)
    shown = _shown(
        "xai/v1/chat/deferred-completion/r1",
        {"id": "other", "model": "grok-4", "usage": {"prompt_tokens": 3, "completion_tokens": 1}},
    )
    assert (None, False) == (shown.object_id, shown.pending)
    assert {"input_tokens": 3, "output_tokens": 1} == shown.quantities


def test_the_messages_of_others_are_anthropics(run: Run) -> None:
    """Cached input stands beside input there."""
    answer = b'{"id": "m", "model": "deepseek-chat", "usage": {"input_tokens": 9,'
    answer += b' "output_tokens": 4, "cache_read_input_tokens": 2}}'
    facts = run("deepseek/anthropic/v1/messages", answer).response.facts()
    assert 11 == facts.quantities["input_tokens"]


def test_prices_of_databricks_go_by_the_endpoint(run: Run) -> None:
    answer = b'{"model": "us.anthropic.claude", "usage": {"prompt_tokens": 9}}'
    facts = run("databricks/serving-endpoints/my-claude/invocations", answer).response.facts()
    assert "my-claude" == facts.model


def test_a_search_is_one_request(run: Run) -> None:
    call = run("perplexity/search", b'{"results": []}', b'{"query": "x"}')
    assert {"requests": 1} == call.response.facts().quantities


def test_xai_videos_are_pending_until_done() -> None:
    started = _shown("xai/v1/videos/v1", {"status": "pending", "progress": 1})
    assert started.pending
    usage = {"cost_in_usd_ticks": 500_000_000}
    done = _shown("xai/v1/videos/v1", {"status": "done", "video": {"duration": 1}, "usage": usage})
    assert (False, 50_000_000) == (done.pending, done.provider_cost)
    assert {"video_seconds": 1} == done.quantities


def test_work_of_zai_ends_by_its_task_status() -> None:
    """A video states no usage; a chat that was asked for in the background does."""
    path = "zai/api/paas/v4/async-result/t1"
    assert _shown(path, {"id": "t1", "task_status": "PROCESSING"}).pending
    video = _shown(path, {"id": "t1", "task_status": "SUCCESS", "video_result": []})
    assert ({}, False) == (video.quantities, video.pending)
    usage = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
    chat = _shown(path, {"id": "t1", "task_status": "SUCCESS", "usage": usage})
    assert ({"input_tokens": 3, "output_tokens": 1}, False) == (chat.quantities, chat.pending)


def test_a_failed_job_ends_with_nothing() -> None:
    facts = _shown("xai/v1/videos/v1", {"status": "failed", "error": "no"})
    assert ({}, False, False) == (facts.quantities, facts.pending, facts.failed)


def _mistral_batch(status: str, outputs: object, file: str | None = None) -> ResponseFacts:
    job = {
        "id": "j1",
        "status": status,
        "model": "mistral-small-latest",
        "output_file": file,
        "outputs": outputs,
        "created_at": 1787150442,
    }
    return _shown("mistral/v1/batch/jobs/j1", job)


def test_a_mistral_batch_is_the_sum_of_its_answers() -> None:
    answers = [
        {"response": {"body": {"usage": {"prompt_tokens": 27, "completion_tokens": count}}}}
        for count in (2, 3)
    ]
    facts = _mistral_batch("SUCCESS", answers, "f1")
    assert {"input_tokens": 54, "output_tokens": 5} == facts.quantities
    assert ("j1", False, ("f1",)) == (facts.object_id, facts.pending, facts.links)
    assert {"processing": "batch"} == facts.price_context
    assert datetime(2026, 8, 19, 14, 40, 42, tzinfo=UTC) == facts.created


def test_a_mistral_batch_stays_pending_while_its_usage_is_elsewhere() -> None:
    assert _mistral_batch("RUNNING", None).pending
    assert _mistral_batch("SUCCESS", None, "f1").pending
    assert not _mistral_batch("CANCELLED", None).pending


def _xai_results(token: str | None) -> ResponseFacts:
    usage = {"prompt_tokens": 204, "completion_tokens": 1, "total_tokens": 287}
    chat = {"model": "grok-4.3", "usage": {**usage, "cost_in_usd_ticks": 2_000_000}}
    results = [{"batch_result": {"response": {"chat_get_completion": chat}}}] * 2
    return _shown("xai/v1/batches/b1/results", {"results": results, "pagination_token": token})


def test_an_xai_batch_is_the_sum_of_its_results_and_costs() -> None:
    """Reasoning is apart in each of them."""
    facts = _xai_results(None)
    assert {"input_tokens": 408, "output_tokens": 166} == facts.quantities
    assert ("grok-4.3", 400_000, False) == (facts.model, facts.provider_cost, facts.pending)


def test_a_page_of_results_is_not_taken_for_the_whole() -> None:
    assert _xai_results("next").pending


def test_openrouter_tells_later_what_a_call_came_to() -> None:
    data = {
        "id": "gen-1",
        "model": "anthropic/claude-3-haiku",
        "native_tokens_prompt": 4884,
        "native_tokens_completion": 285,
        "native_tokens_reasoning": None,
        "total_cost": 0.0004688775,
        "created_at": "2024-11-11T01:37:39.137992+00:00",
    }
    facts = _shown("openrouter/api/v1/generation?id=gen-1", {"data": data})
    assert {"input_tokens": 4884, "output_tokens": 285} == facts.quantities
    assert ("gen-1", 468_878, False) == (facts.object_id, facts.provider_cost, facts.pending)
    assert facts.created is not None


def test_perplexitys_asynchronous_chat() -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "cost": {"total_cost": 0.5}}
    answer = {"id": "a1", "status": "COMPLETED", "response": {"model": "sonar", "usage": usage}}
    facts = _shown("perplexity/async/chat/completions/a1", answer)
    assert ({"input_tokens": 5, "output_tokens": 7}, 500_000_000) == (
        facts.quantities,
        facts.provider_cost,
    )
    assert _shown("perplexity/async/chat/completions/a1", {"status": "IN_PROGRESS"}).pending


def test_dashscope_tasks_count_pictures_and_seconds() -> None:
    output = {"task_id": "t1", "task_status": "SUCCEEDED"}
    pictures = _shown("dashscope/api/v1/tasks/t1", {"output": output, "usage": {"image_count": 2}})
    assert ({"images": 2}, "t1") == (pictures.quantities, pictures.object_id)
    usage = {"video_duration": 5, "video_ratio": "1280*720", "video_count": 2}
    videos = _shown("dashscope/api/v1/tasks/t1", {"output": output, "usage": usage})
    assert ({"video_seconds": 10}, {"size": "1280*720"}) == (
        videos.quantities,
        videos.price_context,
    )
    output = {"task_id": "t1", "task_status": "RUNNING"}
    assert _shown("dashscope/api/v1/tasks/t1", {"output": output}).pending


def test_dashscope_says_null_until_its_stream_ends(run: Run) -> None:
    event = b'data:{"output":{"choices":[{"finish_reason":"null"}]},"usage":{"input_tokens":2,'
    event += b'"output_tokens":1}}\n\n'
    cut = run(f"dashscope{_GENERATION}", event).response.facts()
    assert (False, {"input_tokens": 2, "output_tokens": 1}) == (cut.finished, cut.quantities)
    whole = run(f"dashscope{_GENERATION}", event + event.replace(b'"null"', b'"stop"'))
    assert whole.response.facts().finished


def test_an_error_of_dashscope_has_a_code(run: Run) -> None:
    answer = b'{"code": "InvalidParameter", "message": "secret"}'
    facts = run(f"dashscope{_GENERATION}", answer).response.facts()
    assert (True, Reason.PROVIDER_ERROR) == (facts.failed, facts.reason)


_GENERATION = "/api/v1/services/aigc/text-generation/generation"


def test_hugging_face_has_the_prices_of_who_served(run: Run) -> None:
    """The path names them, or a header of the response does."""
    provider = _BY_NAME["huggingface"]
    path = "/together/v1/chat/completions"
    assert "huggingface_together" == provider.classify(RequestHead("POST", path)).price_provider
    head = RequestHead("POST", "/v1/chat/completions")
    endpoint = provider.classify(head)
    request = provider.request_reader(endpoint, head)
    request.feed(b'{"model": "meta-llama/Llama-3.1-8B-Instruct:fastest"}')
    answered = ResponseHead(200, {"x-inference-provider": "cerebras"})
    reader = provider.response_reader(endpoint, request.facts(), answered)
    reader.feed(b'{"model": "llama3.1-8b", "usage": {"prompt_tokens": 1}}')
    facts = reader.facts()
    assert ("huggingface_cerebras", "meta-llama/Llama-3.1-8B-Instruct") == (
        facts.price_provider,
        facts.model,
    )


def test_a_header_that_is_no_name_names_nobody() -> None:
    provider = _BY_NAME["huggingface"]
    head = RequestHead("POST", "/v1/chat/completions")
    endpoint = provider.classify(head)
    request = provider.request_reader(endpoint, head).facts()
    answered = ResponseHead(200, {"x-inference-provider": "a b: secret"})
    assert provider.response_reader(endpoint, request, answered).facts().price_provider is None


@pytest.mark.parametrize("status", ["done", "COMPLETED", "Succeeded", "canceled", "FAILED"])
def test_ends_are_ends_in_any_words(status: str) -> None:
    assert has_ended(status)


@pytest.mark.parametrize("status", ["queued", "RUNNING", "", None, 3])
def test_all_else_goes_on(status: object) -> None:
    assert not has_ended(status)


_JOBS = (
    "xai/v1/videos/x",
    "xai/v1/batches/x/results",
    "mistral/v1/batch/jobs/x",
    "openrouter/api/v1/generation?id=x",
    "perplexity/async/chat/completions/x",
    "dashscope/api/v1/tasks/x",
)


@pytest.mark.parametrize("path", _JOBS)
@pytest.mark.parametrize("answer", [None, [], {}, {"data": 3}, {"usage": [], "output": 1}, "x"])
def test_odd_answers_never_end_work(path: str, answer: object) -> None:
    """What says nothing leaves the row as it was."""
    facts = _shown(path, answer)
    assert facts.pending or not facts.finished
    assert {} == facts.quantities
