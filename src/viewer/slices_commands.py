"""The commands that the panel runs, for where there is no ChimeraX: the same words, the same results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import InputError
from ..explore.compare_states import HOW
from ..explore.path import MOST_FRAMES
from . import slices_acts as acts
from . import slices_paths as paths
from . import slices_words as kind
from .slices_words import Takes, often, read_arguments, split_words

if TYPE_CHECKING:
    from .slices_scene import SlicesScene


@dataclass(frozen=True)
class Command:
    """What is run, with the scene and the arguments by name; it returns what is to be said, or nothing."""

    run: Callable[..., str | None]
    takes: Takes = Takes()


def run_command(scene: SlicesScene, line: str) -> str:
    """Run a line; returns what is to be said, or nothing. ``InputError`` where it is wrong."""
    words = split_words(line)
    if words[:1] == ["flexrec"]:
        words = words[1:]
    for length in (2, 1):
        verb = " ".join(words[:length])
        if verb in COMMANDS:
            if scene.trained is None and verb not in ("open", "demo"):
                raise InputError("no model is open; open a project first.")
            command = COMMANDS[verb]
            return command.run(scene, **read_arguments(verb, command.takes, words[length:])) or ""
    known = ", ".join(sorted({verb.split()[0] for verb in COMMANDS}))
    raise InputError(f"{' '.join(words[:2])!r} is not among this window's commands ({known}); ChimeraX and a terminal "
                     "have more.")  # fmt: skip


# ----- their words -----

_FRAMES = kind.whole(2, MOST_FRAMES)
_STATES = {"frames": _FRAMES, "in_angstroms": kind.yes_no, "name": kind.text, "output": kind.file}
_AXIS = {"range": kind.percentiles, "at": kind.anchors, **_STATES}
_HOW = {"speed": kind.number(0.001, 1000), "seconds": kind.number(0.001, 86_400), "loop": kind.yes_no,
        "bounce": kind.yes_no}  # fmt: skip
_POINTS = Takes({"points": often(kind.anchors)}, keyword=_STATES)
_NAME, _FILE = {"name": kind.text}, {"file": kind.file}

COMMANDS = {
    "open": Command(acts.open_project, Takes({"path": kind.file})),
    "demo": Command(acts.open_demo, Takes(optional={"folder": kind.file}, keyword={"folder": kind.file})),
    "volume": Command(acts.show_volume, Takes(
        optional={"where": kind.choice("mean", "rest")},
        keyword={"at": kind.anchors, "particle": kind.whole_from_0, "selection": kind.text})),
    "path": Command(paths.make_path_or_say, Takes(optional={"axis": kind.text}, keyword=_AXIS)),
    "path pc": Command(paths.path_pc, Takes({"number": kind.whole_from_1}, keyword=_AXIS)),
    "path z": Command(paths.path_z, Takes({"number": kind.whole_from_1}, keyword=_AXIS)),
    "path through": Command(paths.path_through, _POINTS),
    "path graph": Command(paths.path_graph, _POINTS),
    "path points": Command(paths.path_points, Takes(_FILE, keyword=_STATES)),
    "morph": Command(paths.morph, Takes(
        {"first": kind.anchors, "last": kind.anchors},
        keyword={"frames": _FRAMES, **_HOW, "in_angstroms": kind.yes_no})),
    "play": Command(paths.play, Takes(
        optional={"what": kind.choice("stop")}, keyword={**_HOW, "reverse": kind.yes_no})),
    "pause": Command(paths.pause),
    "scrub": Command(paths.scrub, Takes(optional={"place": kind.share}, keyword={"frame": kind.whole_from_1})),
    "record": Command(paths.record, Takes(_FILE, keyword={
        "size": kind.two_whole, "framerate": kind.number(0.1, 240), "bounce": kind.yes_no, "reverse": kind.yes_no,
        "inset": kind.yes_no, "keep_frames": kind.yes_no})),
    "record stop": Command(paths.stop_recording),
    "select": Command(acts.select_particles, Takes(
        keyword={"name": kind.text, "lasso": kind.file, "axes": kind.text, "box": kind.text, "cluster": kind.text,
                 "where": kind.text, "near": kind.anchors, "count": kind.whole_from_1, "radius": kind.number(0, 1e9),
                 "in_angstroms": kind.yes_no, "invert": kind.yes_no, "and": often(kind.text), "or": often(kind.text),
                 "not": often(kind.text), "color": kind.colour, "export": kind.file}, needed=("name",))),
    "selections": Command(acts.list_selections, Takes(keyword={"remove": kind.text})),
    "save particles": Command(acts.write_particles, Takes(
        _FILE, keyword={"selection": kind.text}, needed=("selection",))),
    "images": Command(acts.use_images, Takes({"folder": kind.file})),
    "cluster": Command(acts.cluster, Takes(
        keyword={"count": kind.whole_from_1, "in_angstroms": kind.yes_no, "seed": kind.whole_from_0},
        needed=("count",))),
    "umap": Command(acts.umap, Takes(
        keyword={"neighbours": kind.whole_from_1, "min_dist": kind.number(0, 1), "seed": kind.whole_from_0})),
    "state keep": Command(acts.keep, Takes(_NAME, keyword={"at": kind.anchors})),
    "state show": Command(acts.show_state, Takes(_NAME)),
    "state remove": Command(acts.forget_state, Takes(_NAME)),
    "state compare": Command(acts.compare, Takes(
        {"first": kind.text, "second": kind.text}, keyword={"how": kind.choice(*HOW)})),
    "state clear": Command(acts.end_comparison),
}  # fmt: skip
