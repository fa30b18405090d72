"""A process that journals calls until it is killed, and says so on standard output.

``python -m tests.journal_writer FOLDER``: each line is written after the record it tells of:
``begun ID``, ``heard ID`` (progress), ``ended ID``.
"""

import itertools
import os
import sys
from pathlib import Path

from acm_addon.journal import Journal, Progress, Sent
from tests.calls import make_begin, make_entry


def say(word: str, call_id: str) -> None:
    os.write(1, f"{word} {call_id}\n".encode())


def main() -> None:
    journal = Journal(Path(sys.argv[1]), rotate_bytes=20_000)
    for number in itertools.count():
        call = journal.begin(make_begin())
        say("begun", call.id)
        if number % 7 == 1:
            continue  # Never ends.
        call.sent(Sent("gpt-4o", stream=True, input_tokens_estimate=100))
        if number % 3:
            call.progress(Progress(output_tokens=20, received_bytes=400))
            say("heard", call.id)
        if number % 5:
            call.end(make_entry(id=call.id))
            say("ended", call.id)


if __name__ == "__main__":
    main()
