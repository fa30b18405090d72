"""One target under atheris: coverage of our code and of the pure-Python parsers that it uses."""

import sys

import atheris

_MEASURED = ["acm_addon", "python_multipart", "tinytag"]


def main() -> None:
    with atheris.instrument_imports(include=_MEASURED):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
