"""``python -m chimerax.flexrec.cli``."""

import sys

from .program import main

sys.exit(main())
