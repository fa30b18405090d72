"""Files that others read while they are written anew."""

import os
import threading
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Write a file that is never seen in part, readable by the owner alone. Raises OSError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    draft.unlink(missing_ok=True)  # A dead process of this number may have left it.
    try:
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(content)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
