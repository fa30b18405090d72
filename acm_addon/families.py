"""Families of models: how each is counted where the provider reports nothing. Data, and a lookup.

OpenAI's models are counted with their own encodings. The others' texts are counted with
``o200k_base`` times a factor, and what their chat formats put around texts with the tokens below.

Sources, checked 2026-11-22: the numbers were measured on recordings of public test suites, and
rounded. docs/accuracy.md says of how many calls of each family; ``python -m tests.accuracy.fit``
measures them again, and says how they do on recordings that it did not see. Families and parts
with a handful of recordings have rough numbers. OpenAI's frames of 3 tokens a call and 4 a message
are those of its cookbook ("How to count tokens with tiktoken").
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from acm_addon.parts import InputParts, OutputParts


@dataclass(frozen=True, slots=True)
class Family:
    """Models that share a vocabulary and a chat format, or nearly."""

    name: str
    models: str
    """Pattern at the start of a model's name, in lower case and without its maker's prefix."""
    input: InputParts
    output: OutputParts
    providers: tuple[str, ...] = ()
    """The providers that count like this; empty for all."""
    encoding: str = "o200k_base"
    own_encoding: str = ""
    """The maker's encoding, if a package carries it. What follows goes with it."""
    own_input: InputParts | None = None
    own_output: OutputParts | None = None
    typescript: bool = False
    """Functions are declared in the manner of TypeScript, else as JSON."""
    thinks: str = ""
    """Pattern of the models that think before they answer unless told not to."""
    summarizes: bool = False
    """What the response shows of thoughts is a summary, or may be one."""
    forgets: bool = False
    """Thoughts in earlier answers are dropped before the model reads them."""


_OPENAI = InputParts(
    call=3,
    system=4,
    user=4,
    assistant=4,
    result=5,
    tool_call=5,
    name=1,
    tools=8,
    tools_in_system=-4,
    forced=12,
    schema=20,
    schema_text=0.53,
    compact=93,
)
_OPENAI_REASONING = replace(
    _OPENAI,
    call=2,
    assistant=6,
    result=9,
    tool_call=0,
    tools_in_system=0,
    tools_in_chat=82,
)
_OPENAI_OUTPUT = OutputParts(tool_call=7, responses=1)
_CLAUDE = InputParts(
    text=1.08,
    call=4,
    system=1,
    user=3,
    assistant=2,
    result=20,
    tool_call=35,
    tools=486,
    forced=80,
    declared=1.55,
    schema=140,
    thinking=28.5,
)
_CLAUDE_OUTPUT = OutputParts(text=1.12, answer=2, called=35)
_GEMINI = InputParts(
    system=1, user=1, assistant=1, result=14, tool_call=5, declared=0.94, schema_text=0
)
_LLAMA = InputParts(call=31, system=4, user=4, assistant=4, result=4, tools=90)
_LLAMA_OUTPUT = OutputParts(text=1.03, answer=1, called=14)
_MISTRAL = InputParts(
    text=1.03,
    call=1,
    system=1,
    user=2,
    assistant=2,
    result=3,
    tool_call=8,
    tools=14,
    declared=1.1,
    schema_text=0,
    bare=2,
)
_MISTRAL_OUTPUT = OutputParts(text=1.05, answer=0.9, called=7)
_MISTRAL_OWN = replace(_MISTRAL, text=1, declared=1)
_MISTRAL_OWN_OUTPUT = OutputParts(answer=1, tool_call=3)
_QWEN = InputParts(
    call=5, system=5, user=4, assistant=5, result=6, tool_call=10, tools=105, declared=0.9
)
_GLM = InputParts(
    call=2, user=3, assistant=4, system=3, result=4, tool_call=8, tools=110, declared=0.9
)
_GROK = InputParts(
    call=189, system=2, user=3, assistant=3, result=8, tool_call=8, tools=31, schema=8
)
_BARE = InputParts(result=8, tool_call=10, tools=355)
_OTHERS = InputParts(call=3, system=4, user=4, assistant=4, result=4, tool_call=8, tools=20)
_OTHERS_OUTPUT = OutputParts(answer=1, called=13)

FAMILIES = (
    Family(
        "OpenAI, cl100k",
        r"gpt-3|gpt-4(?![.o\d])(?!-(?:5|1)\b)|text-embedding-(?:3-|ada)|davinci|babbage",
        _OPENAI,
        _OPENAI_OUTPUT,
        encoding="cl100k_base",
        typescript=True,
    ),
    Family(
        "gpt-oss",
        "gpt-oss",
        replace(_OPENAI_REASONING, call=63, tools_in_chat=0, tools=20, schema=56, schema_text=1),
        replace(_OPENAI_OUTPUT, answer=4, thought=8, called=12),
        typescript=True,
        thinks="gpt-oss",
        forgets=True,
    ),
    Family(
        "OpenAI, reasoning",
        r"o\d|gpt-[5-9]|codex",
        _OPENAI_REASONING,
        replace(_OPENAI_OUTPUT, answer=3, called=3),
        typescript=True,
        # From 5.1 on the default effort is none.
        thinks=r"o\d|gpt-5(?!\.[1-9])|codex|gpt-5\.\d-(?:codex|pro)",
        summarizes=True,
    ),
    Family(
        "OpenAI, o200k",
        r"gpt-|chatgpt|computer-use|omni-",
        _OPENAI,
        _OPENAI_OUTPUT,
        typescript=True,
    ),
    Family(
        "Claude 4.7 and later",
        r"claude-(?:opus-(?:4-[7-9]|[5-9])|(?:sonnet|haiku|fable)-[5-9])",
        replace(
            _CLAUDE,
            text=1.38,
            call=6,
            user=2,
            system=2,
            assistant=0,
            tools=326,
            declared=1.38,
            thinking=0,
        ),
        OutputParts(text=1.38, answer=4, called=39),
        summarizes=True,
    ),
    Family(
        "Claude 2",
        r"claude-(?:v?[12]\b|instant)",
        replace(_CLAUDE, text=1.06, call=6),
        _CLAUDE_OUTPUT,
    ),
    Family(
        "Claude before 4.5",
        r"claude-(?:3\b|(?:opus|sonnet)-4(?:-1|-0)?(?:-20|@|$))",
        replace(_CLAUDE, text=1.06, system=-0.5, tools=285, forced=0),
        _CLAUDE_OUTPUT,
        summarizes=True,
    ),
    Family("Claude", "claude", _CLAUDE, replace(_CLAUDE_OUTPUT, answer=3), summarizes=True),
    Family(
        "Gemini before 2.5",
        r"gemini-(?:1|2\.0)",
        replace(_GEMINI, system=0, user=0, assistant=0, result=0, tool_call=0, declared=0.35),
        OutputParts(text=1.05, answer=0.3, called=-3),
    ),
    Family(
        "Gemini on Vertex AI",
        "gemini",
        replace(_GEMINI, system=0, user=0, assistant=0, tools=-10, declared=0.75),
        OutputParts(called=8),
        providers=("vertex",),
        thinks=r"gemini-(?:2\.5-(?!flash-lite)|[3-9])",
    ),
    Family(
        "Gemini",
        "gemini|gemma|embedding-0",
        _GEMINI,
        OutputParts(called=8),
        thinks=r"gemini-(?:2\.5-(?!flash-lite)|[3-9]|flash-latest|pro-latest)",
    ),
    Family(
        "Grok on Azure",
        "grok",
        replace(_GROK, call=0, system=-1, user=0, assistant=1, tools=136, schema=30),
        OutputParts(called=8),
        providers=("azure",),
        thinks="grok(?!.*non-reasoning)",
        summarizes=True,
    ),
    Family(
        "Grok 4.0", r"grok-4(?:-0709)?$", replace(_GROK, call=681), OutputParts(), thinks="grok"
    ),
    Family(
        "Grok",
        "grok",
        _GROK,
        OutputParts(called=8),
        thinks="grok(?!.*non-reasoning)",
        summarizes=True,
    ),
    Family(
        "Mistral Small",
        "(?:mistral|magistral)-small",
        replace(_MISTRAL, call=11, user=4),
        replace(_MISTRAL_OUTPUT, called=13),
        own_encoding="tekken",
        own_input=replace(_MISTRAL_OWN, call=11, user=4),
        own_output=replace(_MISTRAL_OWN_OUTPUT, tool_call=13),
    ),
    Family(
        "Mistral",
        r"\w*[sx]tral|open-mi",
        _MISTRAL,
        _MISTRAL_OUTPUT,
        own_encoding="tekken",
        own_input=_MISTRAL_OWN,
        own_output=_MISTRAL_OWN_OUTPUT,
    ),
    Family(
        "DeepSeek",
        "deepseek",
        InputParts(
            call=1,
            system=1,
            user=3,
            assistant=3,
            result=12,
            tool_call=32,
            tools=212,
            function=17,
            declared=0.9,
            effort=79,
        ),
        OutputParts(called=25),
        providers=("deepseek",),
        thinks="deepseek-reasoner",
        forgets=True,
    ),
    Family(
        "DeepSeek, served by others",
        "deepseek|r1-v1",
        InputParts(call=1, user=2, assistant=2, result=12, tool_call=32, tools=20),
        OutputParts(text=1.02, called=25),
        thinks="deepseek-r1|r1-v1",
        forgets=True,
    ),
    Family(
        "Llama 3.0",
        r"(?:meta-)?llama-?3-(?:8|70)b",
        replace(_LLAMA, call=6, system=5),
        _LLAMA_OUTPUT,
    ),
    Family(
        "Llama 4 on Groq",
        r"(?:meta-)?llama-?4",
        replace(_LLAMA, call=6, tools=640),
        replace(_LLAMA_OUTPUT, called=44),
        providers=("groq",),
    ),
    Family("Llama 4", r"(?:meta-)?llama-?4", replace(_LLAMA, call=6), _LLAMA_OUTPUT),
    Family("Llama", "(?:meta-)?llama", _LLAMA, _LLAMA_OUTPUT),
    Family(
        "Qwen Turbo",
        "qwen-turbo",
        replace(_QWEN, call=8),
        OutputParts(answer=1, called=19),
        forgets=True,
    ),
    Family(
        "Qwen 3.5 and later",
        r"qwen-?3\.[5-9]|qwen-?3-coder",
        replace(_QWEN, tools=222),
        OutputParts(answer=1, called=19),
        forgets=True,
    ),
    Family("Qwen", "qwen|qwq", _QWEN, OutputParts(answer=1, called=19), forgets=True),
    Family(
        "GLM 5",
        "(?:zai-)?glm-5",
        replace(_GLM, call=9),
        OutputParts(answer=1, called=3),
        forgets=True,
    ),
    Family("GLM", "(?:zai-)?glm", _GLM, OutputParts(answer=1, called=3), forgets=True),
    Family(
        "Kimi",
        "kimi|moonshot",
        replace(_OTHERS, tools=8),
        OutputParts(answer=1, called=8),
        thinks="kimi-(?:k3|.*thinking)",
    ),
    Family(
        "Sonar",
        "sonar|pplx|r1-1776",
        InputParts(call=1, schema_text=0),
        OutputParts(),
        thinks="sonar-(?:reasoning|deep)",
    ),
    Family("Nova, Titan", "nova|titan", _BARE, OutputParts(called=20)),
    Family(
        # Cohere bills the texts alone.
        "Command",
        "command|embed-|c4ai|aya",
        InputParts(declared=0, schema_text=0),
        OutputParts(),
    ),
    Family("others", "", _OTHERS, _OTHERS_OUTPUT),
)
"""The first that matches is it."""

_PATTERNS = [(re.compile(family.models), family) for family in FAMILIES]
_MAKER = re.compile(r"(?:ft:)?(?:[a-z0-9-]+\.)*(?:(?:databricks|openai)-)?(?=[a-z])")
"""What stands before a model's name, as in ``us.anthropic.claude-…`` and ``ft:gpt-4o:acme``."""


@lru_cache(maxsize=256)
def family_of(model: str | None, provider: str = "") -> Family:
    """The family of a model, by its name in any provider's manner; never none."""
    name = _MAKER.sub("", (model or "").lower().replace("%2f", "/").rpartition("/")[2], count=1)
    return next(
        family
        for pattern, family in _PATTERNS
        if pattern.match(name) and (not family.providers or provider in family.providers)
    )


def with_own_encoding(family: Family) -> Family:
    """The family as it is counted with its maker's encoding."""
    return replace(
        family,
        encoding=family.own_encoding,
        input=family.own_input or family.input,
        output=family.own_output or family.output,
    )
