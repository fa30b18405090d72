"""``python -m bench [NAME…]``: the numbers that the docs quote, as ratios of paired runs."""

import sys

from bench import budget, first_byte, import_calls, price_calls, reprice, startup, throughput

BENCHMARKS = {
    "first-byte": first_byte.main,
    "throughput": throughput.main,
    "startup": startup.main,
    "import": import_calls.main,
    "budget": budget.main,
    "price": price_calls.main,
    "reprice": reprice.main,
}


def main() -> int:
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"error: no benchmark {unknown[0]!r}\nhint: one of {', '.join(BENCHMARKS)}")
        return 2
    for name in names:
        BENCHMARKS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
