"""The commands that the panel runs, for where there is no ChimeraX: the same words, the same results."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QStandardPaths

from ..errors import InputError
from ..explore import clustered
from ..explore.bounds import read_box, two_numbers, whole_numbers
from ..explore.compared import HOW
from ..explore.embedding import make_embedding
from ..explore.export import save_particles
from ..explore.images import use_folder
from ..explore.path import LatentPath
from ..explore.playing import Playing
from ..explore.select import select
from ..explore.selected import middle, selected
from ..explore.selection import remove_selection
from ..explore.states import apart, keep_state, kept_state, remove_state, two_states
from ..explore.walk import describe_path, make_path, write_path
from ..jobs.shipped import unpack

if TYPE_CHECKING:
    from .slices_scene import SlicesScene

_ONCE = {"at", "particle", "selection", "axis", "frames", "range", "name", "output", "speed", "seconds", "lasso",
         "axes", "box", "cluster", "where", "near", "count", "radius", "color", "export", "remove", "seed", "frame",
         "neighbours", "minDist", "how", "folder"}  # fmt: skip
_SWITCHES = {"inAngstroms", "loop", "bounce", "reverse", "invert"}
_OFTEN = {"and", "or", "not"}


def run_command(scene: SlicesScene, command: str) -> str:
    """Run a line; returns what is to be said, or nothing. ``InputError`` where it is wrong."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InputError(f"{command}: cannot be understood ({error}).") from None
    if words[:1] == ["flexrec"]:
        words = words[1:]
    for length in (2, 1):
        verb = " ".join(words[:length])
        if verb in _VERBS:
            if scene.trained is None and verb not in ("open", "demo"):
                raise InputError("no model is open; open a project first.")
            return _VERBS[verb](scene, *_read(words[length:])) or ""
    raise InputError(f"{' '.join(words[:2])} works in ChimeraX, or in a terminal; not here.")


def _read(words: list[str]) -> tuple[list[str], dict[str, Any]]:
    """Words before the first keyword, and the keywords' values."""
    free: list[str] = []
    named: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        if word in _SWITCHES:
            named[word] = _value(rest, word).lower() in ("true", "1", "yes")
        elif word in _OFTEN:
            named.setdefault(word, []).append(_value(rest, word))
        elif word in _ONCE:
            named[word] = _value(rest, word)
        elif named:
            raise InputError(f"{word!r} is no option here.")
        else:
            free.append(word)
    return free, named


def _value(rest, word: str) -> str:
    try:
        return next(rest)
    except StopIteration:
        raise InputError(f"{word} needs a value.") from None


def _number(text: str | None, kind: type = float):
    try:
        return None if text is None else kind(text)
    except ValueError:
        raise InputError(f"{text!r} is no number.") from None


def _open(scene: SlicesScene, free: list[str], named: dict) -> None:
    scene.open(Path(" ".join(free)).expanduser())


def _demo(scene: SlicesScene, free: list[str], named: dict) -> None:
    folder = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericDataLocation))
    project = Path(named["folder"]).expanduser() if "folder" in named else folder / "FlexRec demo"
    unpack(project)
    scene.open(project)


def _volume(scene: SlicesScene, free: list[str], named: dict) -> str | None:
    trained = scene.trained
    if "at" in named:
        scene.show(trained.point([_number(word) for word in named["at"].split(",")]))
    elif "particle" in named or "selection" in named:
        row = _number(named["particle"], int) if "particle" in named else middle(
            trained, selected(trained, named["selection"]))  # fmt: skip
        if not 0 <= row < len(trained.latents):
            raise InputError(f"there is no particle {row}; they are counted from 0 to {len(trained.latents) - 1}.")
        scene.show(trained.latents[row])
        return f"the map at particle {row}"
    elif free == ["rest"]:
        scene.show(None)
    else:
        scene.show(trained.latents[trained.finite].mean(axis=0))
    return None


def _path(kind: str):
    def make(scene: SlicesScene, free: list[str], named: dict) -> str:
        what = ",".join(free)
        how = {
            "": {"axis": what}, "pc": {"axis": f"pc{what}"}, "z": {"axis": f"z{what}"}, "through": {"through": what},
            "graph": {"graph": what}, "points": {"points": Path(" ".join(free)).expanduser()},
        }[kind]  # fmt: skip
        if "axis" in how:
            how["at"] = named.get("at")
            how["percentiles"] = two_numbers(named.get("range", "5,95"), "range")
        path = make_path(
            scene.trained, frames=_number(named.get("frames"), int), in_angstroms=named.get("inAngstroms", False), **how
        )
        if "name" in named:
            path = LatentPath(path.z, named["name"], path.kind)
        if "output" in named:
            write_path(scene.trained, path, named["output"])
        scene.pause()
        scene.path, scene.place = path, 0.0
        return describe_path(scene.trained, path)

    return make


def _play(scene: SlicesScene, free: list[str], named: dict) -> None:
    if free == ["stop"]:
        scene.pause()
        scene.place = 0.0
        return
    how = {word: named.get(word, False) for word in ("loop", "bounce", "reverse")}
    scene.play(Playing.of(len(_path_of(scene)), _number(named.get("speed")), _number(named.get("seconds")), **how))


def _scrub(scene: SlicesScene, free: list[str], named: dict) -> None:
    states = len(_path_of(scene))
    if "frame" in named:
        scene.scrub(min(max(_number(named["frame"], int) - 1, 0), states - 1) / max(states - 1, 1))
    else:
        scene.scrub(min(max(_number(free[0] if free else None) or 0.0, 0.0), 1.0))


def _path_of(scene: SlicesScene) -> LatentPath:
    if scene.path is None:
        raise InputError("there is no path yet; make one first.")
    return scene.path


def _select(scene: SlicesScene, free: list[str], named: dict) -> str:
    if "name" not in named:
        raise InputError("a selection needs a name.")
    made = select(
        scene.trained, named["name"], lasso=Path(named["lasso"]) if "lasso" in named else None,
        axes=named.get("axes", "pc1,pc2").split(","), box=read_box(named.get("box")),
        clusters=whole_numbers(named.get("cluster")), where=named.get("where"), near=named.get("near"),
        count=_number(named.get("count"), int), radius=_number(named.get("radius")),
        in_angstroms=named.get("inAngstroms", False), invert=named.get("invert", False), both=named.get("and", ()),
        either=named.get("or", ()), without=named.get("not", ()), colour=named.get("color"),
    )  # fmt: skip
    return f"{made.name}: {len(made)} of {made.count} particles"


def _keep(scene: SlicesScene, free: list[str], named: dict) -> None:
    if scene.z is None and "at" not in named:
        raise InputError("the map at rest is no state; click a point of the plot first.")
    z = scene.z if "at" not in named else [_number(word) for word in named["at"].split(",")]
    keep_state(scene.trained, " ".join(free), z)


def _compare(scene: SlicesScene, free: list[str], named: dict) -> str:
    if len(free) != 2:
        raise InputError("two states are compared, not " + str(len(free)) + ".")
    states = two_states(scene.trained, *free)
    if named.get("how", HOW[0]) not in HOW:
        raise InputError(f"how is {named['how']!r}; it must be {' or '.join(HOW)}.")
    scene.compare(*states, named.get("how", HOW[0]))
    return apart(scene.trained, *states)


def _morph(scene: SlicesScene, free: list[str], named: dict) -> str:
    said = _path("through")(scene, free, {word: named[word] for word in ("frames", "inAngstroms") if word in named})
    _play(scene, [], named)
    return said


def _selections(scene: SlicesScene, free: list[str], named: dict) -> None:
    if "remove" in named:
        remove_selection(scene.trained.project, named["remove"])


def _save_particles(scene: SlicesScene, free: list[str], named: dict) -> str:
    chosen = selected(scene.trained, named.get("selection", ""))
    note = save_particles(scene.trained, chosen, Path(free[0]).expanduser())
    return f"{len(chosen)} particles of {chosen.name} written to {free[0]}" + (f"; {note}" if note else "")


def _cluster(scene: SlicesScene, free: list[str], named: dict) -> str:
    made = clustered.make_clusters(
        scene.trained, _number(named.get("count"), int) or 0, named.get("inAngstroms", False),
        _number(named.get("seed", "0"), int),
    )  # fmt: skip
    return f"clusters of {', '.join(map(str, made.size))} particles"


def _umap(scene: SlicesScene, free: list[str], named: dict) -> str:
    return f"UMAP written to {make_embedding(scene.trained)}"


_VERBS = {
    "open": _open, "demo": _demo, "volume": _volume, "path": _path(""), "path pc": _path("pc"), "path z": _path("z"),
    "path through": _path("through"), "path graph": _path("graph"), "path points": _path("points"), "play": _play,
    "pause": lambda scene, *_: scene.pause(), "scrub": _scrub, "select": _select, "selections": _selections,
    "state keep": _keep, "state compare": _compare, "morph": _morph,
    "state clear": lambda scene, *_: scene.end_comparison(),
    "state show": lambda scene, free, _: scene.show(kept_state(scene.trained, " ".join(free)).z),
    "state remove": lambda scene, free, _: remove_state(scene.trained, " ".join(free)),
    "images": lambda scene, free, _: use_folder(scene.trained, Path(" ".join(free)).expanduser()),
    "save particles": _save_particles, "cluster": _cluster, "umap": _umap,
}  # fmt: skip
