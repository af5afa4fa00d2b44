"""The actions of a user, each with a weight. Each takes a `User` and a random generator of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from .user import LEFT, MOST_OPEN, PAUSE, User

Random = np.random.Generator
STATES = ("open", "closed", "state 1", "a b")
SELECTIONS = ("selection 1", "left", "right")
COLOURS = ("part", "rigidity", "strain", "none")
KEYS = (Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_Space, Qt.Key.Key_Escape)


@dataclass(frozen=True)
class Action:
    """``asks_map``: whether a map that was closed by hand is there again afterwards."""

    name: str
    weight: float
    act: Callable[[User, Random], Iterator[float] | None]
    asks_map: bool


ACTIONS: list[Action] = []


def action(weight: float, asks_map: bool = False) -> Callable:
    def known(act: Callable) -> Callable:
        ACTIONS.append(Action(act.__name__.replace("_", " "), weight, act, asks_map))
        return act

    return known


def chosen(random: Random) -> Action:
    weights = np.array([one.weight for one in ACTIONS])
    return ACTIONS[random.choice(len(ACTIONS), p=weights / weights.sum())]


def one_of(random: Random, things) -> object:
    return things[random.integers(len(things))]


def point(random: Random) -> str:
    return ",".join(f"{value:.3f}" for value in random.normal(0, 0.8, 2))


# ----- models come and go -----


@action(2)
def open_project(user: User, random: Random) -> None:
    if len(user.models) < MOST_OPEN:
        user.command(f'flexrec open "{user.project(random.integers(2))}"')


@action(0.4, asks_map=True)
def open_demo(user: User, random: Random) -> None:
    if len(user.models) < MOST_OPEN:
        folder = user.folder / "demo"
        folder.mkdir(exist_ok=True)
        user.command(f'flexrec demo folder "{folder}"')


@action(3)
def close_one(user: User, random: Random) -> None:
    """The map, the mesh, the arrows, a structure, a comparison or the whole model."""
    models = user.session.models.list()
    if models:
        model = one_of(random, models)
        if len(model.id) > 1 or random.random() < 0.4:
            user.command(f"close #{model.id_string}")


@action(0.3)
def close_all(user: User, random: Random) -> None:
    user.command(one_of(random, ("close session", "close")))
    user.command("flexrec show")


@action(3)
def hide_or_show(user: User, random: Random) -> None:
    models = user.session.models.list()
    if models:
        word = one_of(random, ("hide", "show"))
        target = one_of(random, ("models", "target m"))
        user.command(f"{word} {one_of(random, ('#', '#!'))}{one_of(random, models).id_string} {target}")


@action(1)
def choose_model(user: User, random: Random) -> None:
    if user.tool is not None and len(user.models) > 1:
        box = user.tool._models
        box.setCurrentIndex(int(random.integers(box.count())))
        box.activated.emit(box.currentIndex())


@action(0.7)
def rename(user: User, random: Random) -> None:
    if user.models:
        model = one_of(random, user.models)
        new = one_of(random, ("mine", f"id #{random.integers(10, 20)}"))
        user.command(f"rename #{model.id_string} {new}")


@action(0.6)
def close_panel_or_show_it(user: User, random: Random) -> None:
    if user.tool is not None and random.random() < 0.5:
        user.tool.delete()
    user.command("flexrec show")


@action(0.7)
def change_look(user: User, random: Random) -> None:
    maps = [one.map for one in user.models if one.map is not None]
    if maps:
        spec = f"#{one_of(random, maps).id_string}"
        user.command(one_of(random, (f"volume {spec} level 0.1", f"color {spec} red", f"transparency {spec} 50",
                                     f"volume {spec} style mesh", f"volume {spec} step 2")))  # fmt: skip


# ----- the point -----


@action(4, asks_map=True)
def click(user: User, random: Random) -> None:
    if user.panel is not None and user.panel.plot.canvas.isVisible():
        user.panel.plot.set_mode("go")
        QTest.mouseClick(user.panel.plot.canvas, LEFT, pos=user.pixel(random))


@action(4, asks_map=True)
def drag(user: User, random: Random) -> Iterator[float]:
    if user.panel is not None:
        user.panel.plot.set_mode("go")
        yield from user.stroke(random)


@action(3, asks_map=True)
def something_happens_while_dragging(user: User, random: Random) -> Iterator[float]:
    if user.panel is None or not user.models:
        return
    user.panel.plot.set_mode(one_of(random, ("go", "go", "edit", "draw", "lasso", "move", "zoom")))
    model = one_of(random, one_of(random, user.models).all_models())
    happening = one_of(random, (
        lambda: user.command(f"close #{model.id_string}"), lambda: user.command("close"), user.kill_engine,
        lambda: user.command(f'flexrec open "{user.project(1)}"'), lambda: user.command("flexrec play" + about),
        lambda: user.delete_project(0), lambda: user.command(f"hide #{model.id_string} models"),
        lambda: QTest.keyClick(user.panel, Qt.Key.Key_Escape), lambda: user.tool.delete(),
        lambda: user.command("flexrec mesh" + about),
    ))  # fmt: skip
    about = user.about(random)
    yield from user.stroke(random, happening)


@action(2, asks_map=True)
def show_point(user: User, random: Random) -> None:
    what = one_of(random, (f"at {point(random)}", "mean", "rest", f"particle {random.integers(500)}", "at 50,50"))
    user.command(f"flexrec volume {what}{user.about(random)}")


@action(2, asks_map=True)
def key(user: User, random: Random) -> None:
    if user.panel is not None:
        QTest.keyClick(user.panel, one_of(random, KEYS))


@action(2, asks_map=True)
def slide(user: User, random: Random) -> Iterator[float]:
    if user.panel is None or not user.panel.sliders._axes or not user.panel.sliders.isEnabled():
        return
    user.panel.show_tab(user.panel.sliders)
    _, axis = one_of(random, user.panel.sliders._axes)
    if random.random() < 0.5:
        axis.field.setValue(random.uniform(axis.low, axis.high))
        return
    axis.slider.setSliderDown(True)
    for place in random.integers(axis.slider.minimum(), axis.slider.maximum(), 4):
        axis.slider.setSliderPosition(int(place))
        axis.slider.sliderMoved.emit(int(place))
        yield PAUSE
    axis.slider.setSliderDown(False)


@action(2)
def undo(user: User, random: Random) -> None:
    user.command(one_of(random, ("undo", "undo", "redo")))


# ----- the path -----


@action(2)
def make_path(user: User, random: Random) -> None:
    if user.panel is not None and random.random() < 0.5:
        tab = user.panel.paths
        tab.kind.setCurrentIndex(int(random.integers(3)))
        tab.points.setText(one_of(random, ("0,0 1,1", "p1 p2 p3", "c1 c2", "s:open", "")))
        tab.frames.setValue(6)
        user.press(tab.make)
        return
    through = f"through {point(random)} {point(random)}"
    what = one_of(random, ("pc1", "z2", through, "graph p1 p20", "through s:open c1"))
    user.command(f"flexrec path {what} frames {random.integers(1, 9)}{user.about(random)}")


@action(1, asks_map=True)
def draw_path(user: User, random: Random) -> Iterator[float]:
    if user.panel is not None:
        user.panel.plot.set_mode(one_of(random, ("draw", "edit")))
        yield from user.stroke(random)
        if user.panel is not None:
            user.panel.plot.set_mode("go")


@action(4)
def play(user: User, random: Random) -> Iterator[float]:
    how = one_of(random, ("", " loop true", " bounce true", " seconds 0.2", " reverse true seconds 5"))
    if user.panel is not None and random.random() < 0.5:
        user.panel.bar.loop.setChecked(bool(random.integers(2)))
        user.press(user.panel.bar.play)
    else:
        user.command(f"flexrec play{how}{user.about(random)}")
    yield random.uniform(0, 0.3)


@action(2)
def pause(user: User, random: Random) -> None:
    user.command(one_of(random, ("stop", *(f"flexrec {word}{user.about(random)}" for word in ("pause", "play stop")))))


@action(2)
def scrub(user: User, random: Random) -> Iterator[float]:
    if user.panel is None or random.random() < 0.5:
        user.command(f"flexrec scrub {random.random():.3f}{user.about(random)}")
        return
    slider = user.panel.bar.scrub
    if slider.isEnabled():
        slider.setSliderDown(True)
        for place in random.integers(0, 1000, 3):
            slider.setSliderPosition(int(place))
            slider.sliderMoved.emit(int(place))
            yield PAUSE
        slider.setSliderDown(False)


@action(0.7)
def record(user: User, random: Random) -> Iterator[float]:
    file = user.folder / f"movie {random.integers(1000)}.mp4"
    inset = one_of(random, ("", " inset true"))
    user.command(f'flexrec record "{file}" size 64,64{inset}{user.about(random)}')
    yield random.uniform(0, 0.5)
    if random.random() < 0.3:
        user.command("flexrec record stop" + user.about(random))


# ----- what moves with it -----


@action(3)
def mesh(user: User, random: Random) -> None:
    if user.panel is not None and random.random() < 0.5:
        tab = user.moving
        if tab.mesh.isEnabled():
            if random.random() < 0.5:
                tab.mesh.setChecked(not tab.mesh.isChecked())
            elif tab.mesh.isChecked():
                tab.colour.setCurrentIndex(int(random.integers(tab.colour.count())))
        return
    what = one_of(random, ("", " show false", f" color {one_of(random, COLOURS)}"))
    user.command(f"flexrec mesh{what}{user.about(random)}")


@action(3)
def flow(user: User, random: Random) -> None:
    if user.panel is not None and random.random() < 0.5:
        tab = user.moving
        if tab.arrows.isEnabled():
            if random.random() < 0.5:
                tab.arrows.setChecked(not tab.arrows.isChecked())
            elif tab.arrows.isChecked():
                tab.count.setValue(int(random.integers(20, 200)))
                tab.reference.setCurrentIndex(int(random.integers(2)))
        return
    what = one_of(random, (" count 100", " show false", " count 50 scale 2 threshold 0", " reference rest count 30",
                           f" reference {point(random)} count 40"))  # fmt: skip
    user.command(f"flexrec flow{what}{user.about(random)}")


@action(1)
def follow(user: User, random: Random) -> None:
    if user.panel is not None and random.random() < 0.5:
        items = user.moving.structures
        if items.count() and items.isEnabled():
            item = items.item(int(random.integers(items.count())))
            ticked = item.checkState() == Qt.CheckState.Checked
            item.setCheckState(Qt.CheckState.Unchecked if ticked else Qt.CheckState.Checked)
        return
    user.command(f"flexrec {one_of(random, ('follow', 'unfollow'))} #{random.integers(1, 5)}{user.about(random)}")


@action(0.6)
def open_structure(user: User, random: Random) -> None:
    if len(user.session.models.list()) < 12:
        user.command(f'open "{user.project() / "001-simulate" / "molecule.cif"}"')
