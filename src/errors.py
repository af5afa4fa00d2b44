"""The one exception for mistakes a user can cause and mend."""

from __future__ import annotations


class InputError(ValueError):
    """One sentence for the user: what is wrong, where (file, field), and what to do about it.

    The terminal prints it and exits with status 2; ChimeraX turns it into its own ``UserError``.
    """
