"""The log is an allow-list: our own messages, and of everybody else only that they spoke.

A library may log a header or a body with its error, and an exception's text may quote either. So a
foreign record is reduced to its logger, level, and exception class, and our own never carries an
exception.
"""

import logging
import logging.handlers
import os
import sys
import time
import traceback
from pathlib import Path

OURS = "acm"

_MAX_BYTES = 5_000_000
_KEPT_FILES = 3


def logger(name: str) -> logging.Logger:
    return logging.getLogger(f"{OURS}.{name}")


class AllowList(logging.Formatter):
    """Formats our records, and anonymises every other one."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        stamp = self.formatTime(record, "%Y-%m-%dT%H:%M:%S")
        if record.name.startswith(f"{OURS}."):
            text = record.getMessage()
        else:
            text = f"a library reported a problem ({_origin(record)}); its text is not kept"
        return f"{stamp}.{int(record.msecs):03d}Z {record.levelname.lower()} {text}"


def _origin(record: logging.LogRecord) -> str:
    error = record.exc_info[1] if record.exc_info else None
    return f"{record.name}, {fault(error)}" if error else record.name


def set_up(path: Path | None) -> None:
    """Log to ``path``, or to stderr when it is None. ``ACM_LOG`` chooses the level."""
    handler: logging.Handler
    if path is None:
        handler = logging.StreamHandler(sys.stderr)
    else:
        path.touch(mode=0o600, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=_MAX_BYTES, backupCount=_KEPT_FILES, encoding="utf-8"
        )
    handler.setFormatter(AllowList())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    level = os.environ.get("ACM_LOG", "info").upper()
    logging.getLogger(OURS).setLevel(level if level in _levels() else "INFO")
    logging.raiseExceptions = False
    sys.excepthook = _report_exception
    sys.unraisablehook = _report_unraisable


def _levels() -> tuple[str, ...]:
    return ("DEBUG", "INFO", "WARNING", "ERROR")


def fault(error: BaseException) -> str:
    """The class of an exception and the place that raised it, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


def _report_exception(_kind: object, error: BaseException, _trace: object) -> None:
    logger("process").error("the proxy ended on an unexpected %s", fault(error))


def _report_unraisable(problem: object) -> None:
    kind = getattr(problem, "exc_type", None)
    logger("process").warning("ignored an unexpected %s", getattr(kind, "__name__", "error"))
