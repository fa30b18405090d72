"""Functions as OpenAI's models see them. Whether it counts right, `make accuracy` says."""

from acm_addon.openai_tools import declarations
from acm_addon.providers.prompts import Function
from acm_addon.tokens import count_tokens

WEATHER = Function(
    "get_weather",
    "Tells the weather.",
    {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Which city"},
            "unit": {"type": "string", "enum": ["C", "F"]},
            "days": {"type": "array", "items": {"type": "integer"}},
            "place": {
                "type": "object",
                "properties": {"lat": {"type": ["number", "null"]}, "exact": {"type": "boolean"}},
                "required": ["lat"],
            },
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
        "required": ["city"],
    },
)
EXPECTED = """\
namespace functions {

// Tells the weather.
type get_weather = (_: {
// Which city
city: string,
unit?: "C" | "F",
days?: number[],
place?: {
lat: number | null,
exact?: boolean,
},
note?: string | null,
}) => any;

type now = () => any;

} // namespace functions"""


def test_declarations_are_typescript() -> None:
    """Descriptions are comments, what is not required has a question mark."""
    assert EXPECTED == declarations([WEATHER, Function("now", "", None)])


def test_a_schema_that_goes_on_forever_is_cut() -> None:
    """Objects in objects, deeper than any real schema: ``any``, and no recursion error."""
    schema: dict[str, object] = {"type": "string"}
    for _ in range(2000):
        schema = {"type": "object", "properties": {"a": schema}}

    assert 100 > count_tokens([declarations([Function("f", "", schema)])])


def test_any_schema_is_declared() -> None:
    """Wrong types in a schema are the caller's affair."""
    odd = {"properties": {"a": 1, "b": {"enum": 2, "type": 3, "description": 4}}, "required": 5}

    assert "b?: any," in declarations([Function("f", "", odd)])
