"""Writes what is made of the declarations: reference pages, ChimeraX's help page, and the bundle's commands.

``python -m chimerax.flexrec.actions.write_docs .`` writes them in a checkout.
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.sax.saxutils import escape

from ..atomic import atomic_path
from ..jobs.help_page import marked
from ..jobs.reference import write_pages
from ..jobs.registry import all_jobs
from . import help_sections
from .action import CHIMERAX
from .action_pages import pages
from .action_registry import host_actions

REFERENCE, HELP, BUNDLE = "docs/reference", "src/docs/user/commands/flexrec.html", "bundle_info.xml"


def renewed_bundle(text: str) -> str:
    """``bundle_info.xml`` with the commands as they are declared now, by which ChimeraX knows them unloaded."""
    known = {words: action.synopsis for words, action in host_actions(CHIMERAX).items()}
    synopses = {job.verb: job.synopsis for job in all_jobs()} | known
    lines = (f"Command :: flexrec {words} :: Volume data :: {synopsis}" for words, synopsis in synopses.items())
    tagged = (f"    <ChimeraXClassifier>{escape(line)}</ChimeraXClassifier>\n" for line in lines)
    return marked(text, "commands", "".join(tagged))


def main(words: list[str]) -> None:
    """Write all, in the checkout that is named."""
    top = Path(words[0])
    write_pages(top / REFERENCE, pages())
    for name, renewed in ((HELP, help_sections.renewed), (BUNDLE, renewed_bundle)):
        text = renewed((top / name).read_text(encoding="utf-8"))
        with atomic_path(top / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
