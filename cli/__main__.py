"""``python -m cli`` is ``acm``."""

import sys

from cli.main import main

sys.exit(main())
