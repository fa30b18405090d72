"""Families of models: every provider's way to name a model leads to the same one."""

import pytest

from acm_addon.families import family_of


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-4-0613", "OpenAI, cl100k"),
        ("gpt-4", "OpenAI, cl100k"),
        ("gpt-4-turbo", "OpenAI, cl100k"),
        ("gpt-4-1106-preview", "OpenAI, cl100k"),
        ("gpt-3.5-turbo-0125", "OpenAI, cl100k"),
        ("gpt-35-turbo", "OpenAI, cl100k"),
        ("ft:gpt-3.5-turbo-0125:acme::id", "OpenAI, cl100k"),
        ("text-embedding-3-small", "OpenAI, cl100k"),
        ("text-embedding-ada-002", "OpenAI, cl100k"),
        ("gpt-4o", "OpenAI, o200k"),
        ("openai/gpt-4o-mini", "OpenAI, o200k"),
        ("gpt-4.1-nano", "OpenAI, o200k"),
        ("gpt-4.5-preview", "OpenAI, o200k"),
        ("ft:gpt-4o-2024-08-06:acme::id", "OpenAI, o200k"),
        ("gpt-5", "OpenAI, reasoning"),
        ("gpt-5.4-mini", "OpenAI, reasoning"),
        ("o3-mini", "OpenAI, reasoning"),
        ("openai/gpt-oss-120b", "gpt-oss"),
        ("gpt-oss:20b", "gpt-oss"),
        ("claude-3-haiku-20240307", "Claude before 4.5"),
        ("claude-sonnet-4-20250514", "Claude before 4.5"),
        ("claude-opus-4-1-20250805", "Claude before 4.5"),
        ("claude-v2", "Claude 2"),
        ("anthropic.claude-v2:1", "Claude 2"),
        ("anthropic/claude-3.7-sonnet:thinking", "Claude before 4.5"),
        ("databricks-claude-3-7-sonnet", "Claude before 4.5"),
        ("claude-sonnet-4-5", "Claude"),
        ("claude-haiku-4-5-20251001", "Claude"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "Claude"),
        ("claude-opus-4-7", "Claude 4.7 and later"),
        ("claude-sonnet-5", "Claude 4.7 and later"),
        ("gemini-2.5-pro", "Gemini"),
        ("models/gemini-2.5-flash", "Gemini"),
        ("gemini-2.0-flash", "Gemini before 2.5"),
        ("grok-4", "Grok 4.0"),
        ("grok-4.3", "Grok"),
        ("mistral-small-latest", "Mistral Small"),
        ("magistral-medium-latest", "Mistral"),
        ("open-mixtral-8x22b", "Mistral"),
        ("deepseek-ai/DeepSeek-R1", "DeepSeek, served by others"),
        ("us.deepseek.r1-v1:0", "DeepSeek, served by others"),
        ("meta-llama/llama-3-8b-instruct", "Llama 3.0"),
        ("meta.llama3-8b-instruct-v1:0", "Llama 3.0"),
        ("llama-3.3-70b-versatile", "Llama"),
        ("meta-llama/Llama-3.1-8B-Instruct", "Llama"),
        ("meta-llama/llama-4-maverick", "Llama 4"),
        ("us.meta.llama3-1-70b-instruct-v1:0", "Llama"),
        ("us.mistral.pixtral-large-2502-v1:0", "Mistral"),
        ("cohere.command-r-v1:0", "Command"),
        ("arn:aws:bedrock:us-west-2:1:inference-profile%2Fus.amazon.nova-lite-v1:0", "Nova, Titan"),
        ("qwen/qwen3-32b", "Qwen"),
        ("zai-glm-4.7", "GLM"),
        ("zai/GLM-5.2", "GLM 5"),
        ("moonshotai/kimi-k2", "Kimi"),
        ("sonar-pro", "Sonar"),
        ("us.amazon.nova-lite-v1:0", "Nova, Titan"),
        ("something-else", "others"),
        ("", "others"),
        (None, "others"),
    ],
)
def test_the_family_of_a_model(model: str | None, expected: str) -> None:
    """Makers' prefixes, regions, dates, and fine-tuning change nothing."""
    assert expected == family_of(model).name


def test_some_providers_count_the_same_model_otherwise() -> None:
    """Vertex AI leaves out what the Gemini API counts around messages."""
    assert "Gemini on Vertex AI" == family_of("gemini-2.5-pro", "vertex").name
    assert "DeepSeek" == family_of("deepseek-reasoner", "deepseek").name
    assert "Grok on Azure" == family_of("grok-4-1-fast-non-reasoning", "azure").name
