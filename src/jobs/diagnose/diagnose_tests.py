"""The tests that a ``diagnose`` job can be asked for: a line each.

A test is a function ``run(model, device, job)`` that writes its picture and, last, its finding (`keep_finding`) into
the job's folder; ``model`` is a train job's, ``device`` where to compute. It raises ``InputError`` where the model is
none that it applies to, and returns early where the job was asked to stop.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..job_folder import JobRun

QUICK, ALL = "quick", "all"


@dataclass(frozen=True)
class Test:
    """``name`` as it is asked for; ``help``, what it tells, in a clause; ``run`` its ``.module:function`` here.

    ``again`` is how many trainings it does, in words; empty where it does none. ``quick`` stands in for ``run`` where a
    quick look is wanted of a test that trains.
    """

    name: str
    help: str
    run: str
    again: str = ""
    quick: str = ""

    def function(self, quickly: bool = False) -> Callable[[Path, str, JobRun], None]:
        """Import and return what runs it."""
        module, _, name = (self.quick if quickly and self.quick else self.run).partition(":")
        return getattr(importlib.import_module(module, __package__), name)


TESTS = {
    test.name: test
    for test in (
        Test("motion", "whether the motion explains what latents were not fitted to, beyond a rigid molecule that may "
             "be placed anew", ".motion_test:run"),
        Test("strain", "whether a molecule could move so: strain of the mesh, cells inside out, how far parts go",
             ".strain_test:run"),
        Test("border", "whether latents are piled up at a border, or have collapsed", ".border_test:run"),
        Test("epochs", "how latents came to their places, pass by pass, as a film", ".epochs_test:run"),
        Test("activations", "what the layers of the network put out, and an example of the flow",
             ".activations_test:run"),
        Test("junk", "which images fit no state, as a selection", ".junk_test:run"),
        Test("shift", "whether latents stay where an image is seen one pixel aside", ".moved_latents:run_shift"),
        Test("rotate", "whether latents stay where an image is turned by 90° with its pose",
             ".moved_latents:run_rotate"),
        Test("twin", "whether own latents explain an image better than another particle's do (the evil twin)",
             ".twin_test:run"),
        Test("gap", "how much better the best latents of each image by itself would explain it (of an encoder, the "
             "amortisation gap)", ".gap_test:run"),
        Test("composition", "whether parts of the molecule come and go, and whether the model can show it",
             ".composition_test:run"),
        Test("halves", "whether two models of independent halves find the same, and explain images that neither has "
             "seen", ".halves_test:run", "two trainings of half the images", ".halves_test:run_if_there"),
        Test("seeds", "whether the same training from another seed finds the same", ".seeds_test:run", "one training"),
        Test("null", "what the same training gives for images of a rigid molecule of the model's own map, at the same "
             "poses, through the same CTFs and with the same noise", ".null_test:run", "one training"),
        Test("dimensions", "how many latent dimensions the images support", ".dimensions_test:run",
             "a training for each latent dimension, and one more"),
        Test("twins", "of an encoder, whether it trains as well when it is shown wrong images (the evil twin)",
             ".encoder_trainings:run_twins", "two trainings"),
        Test("sizes", "of an encoder, whether a smaller or a larger one does as well", ".encoder_trainings:run_sizes",
             "two trainings"),
        Test("amortised", "of an encoder, what a variational table of the same images gains",
             ".encoder_trainings:run_amortised", "one training"),
    )
}  # fmt: skip


def tests_help() -> str:
    """Names and help of all tests, in one sentence."""
    return "; ".join(f"{test.name}, {test.help}{f' ({test.again})' if test.again else ''}" for test in TESTS.values())


def chosen_tests(names: Sequence[str]) -> list[tuple[Test, bool]]:
    """The tests that were asked for, in their order here, each with whether only a quick look at it is wanted."""
    chosen = []
    for test in TESTS.values():
        asked = test.name in names or ALL in names
        if asked or (QUICK in names and (test.quick or not test.again)):
            chosen.append((test, not asked))
    return chosen
