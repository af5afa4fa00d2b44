"""Actions that keep something in the project, or lose it."""

from __future__ import annotations

from collections.abc import Iterator

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton

from .actions import SELECTIONS, STATES, Random, action, one_of, point
from .user import User

DIALOGS = {"export of selection", "colour of selection", "reconstruct of selection"}


@action(3)
def keep_state(user: User, random: Random) -> None:
    name = one_of(random, STATES)
    if user.panel is not None and random.random() < 0.5:
        user.panel.states.name.setText(one_of(random, (name, "", "?")))
        user.press(user.named("keep state"))
        return
    at = one_of(random, ("", f" at {point(random)}"))
    user.command(f'flexrec state keep "{name}"{at}{user.about(random)}')


@action(3, asks_map=True)
def use_states(user: User, random: Random) -> None:
    """By the tab: some are marked, a button is pressed."""
    if user.panel is None:
        return
    tab = user.panel.states
    for row in range(tab.list.topLevelItemCount()):
        tab.list.topLevelItem(row).setSelected(bool(random.integers(2)))
    name = one_of(random, ("show", "delete", "difference", "side by side", "morph"))
    user.press(user.named(one_of(random, (f"{name} of states", f"{name} of states", "end comparison of states"))))


@action(2, asks_map=True)
def command_states(user: User, random: Random) -> None:
    first, second = (one_of(random, STATES) for _ in range(2))
    what = one_of(random, (
        f'show "{first}"', f'remove "{first}"', f'compare "{first}" "{second}" how difference', "clear", "list",
        f'compare "{first}" "{second}" how beside',
    ))  # fmt: skip
    user.command(f"flexrec state {what}{user.about(random)}")


@action(2)
def select(user: User, random: Random) -> None:
    name = one_of(random, SELECTIONS)
    if user.panel is not None and random.random() < 0.5:
        tab = user.panel.selections
        tab.join.setCurrentIndex(int(random.integers(4)))
        tab.name.setText(one_of(random, (name, "")))
        tab.where.setText(one_of(random, ("pc1 > 0", "pc1 > 100", "nonsense >", "uncertainty < 3")))
        user.press(user.named("select where"))
        return
    what = one_of(random, (f'where "pc1 > {random.normal():.2f}"', "cluster 1", "box pc1=-1:1", f"near {point(random)} "
                           "count 20", "color red"))  # fmt: skip
    user.command(f'flexrec select name "{name}" {what}{user.about(random)}')


@action(2)
def outline(user: User, random: Random) -> Iterator[float]:
    if user.panel is not None:
        user.panel.selections.join.setCurrentIndex(0)
        user.panel.plot.set_mode(one_of(random, ("lasso", "box")))
        yield from user.stroke(random)


@action(3, asks_map=True)
def use_selections(user: User, random: Random) -> None:
    if user.panel is None:
        return
    tab = user.panel.selections
    if not tab.isEnabled():
        return
    rows = tab.list.topLevelItemCount()
    if rows:
        item = tab.list.topLevelItem(int(random.integers(rows)))
        if random.random() < 0.5:
            ticked = item.checkState(0) == Qt.CheckState.Checked
            item.setCheckState(0, Qt.CheckState.Unchecked if ticked else Qt.CheckState.Checked)
        tab.list.setCurrentItem(item)
    buttons = [one for one in tab.selection_actions.findChildren(QAbstractButton) if one.objectName() not in DIALOGS]
    if random.random() < 0.7:
        user.press(one_of(random, buttons))


@action(1)
def remove_selection(user: User, random: Random) -> None:
    user.command(f'flexrec selections remove "{one_of(random, SELECTIONS)}"{user.about(random)}')


@action(2)
def cluster(user: User, random: Random) -> None:
    count = int(random.integers(1, 6))
    if user.panel is not None and random.random() < 0.5:
        user.panel.selections.count.setValue(count)
        user.press(user.named("make clusters"))
    else:
        user.command(f"flexrec cluster count {count}{user.about(random)}")


@action(2)
def change_plot(user: User, random: Random) -> None:
    if user.panel is None or not user.panel.plot.isVisible():
        return
    plot = user.panel.plot
    box = one_of(random, (plot.x, plot.y, plot.colour))
    if box is plot.colour:
        box.opening.emit()
    box.setCurrentIndex(int(random.integers(max(1, box.count()))))
    box.activated.emit(box.currentIndex())
    plot.style_choice.setCurrentIndex(int(random.integers(3)))


@action(0.5)
def pairs(user: User, random: Random) -> Iterator[float]:
    if user.panel is None:
        return
    user.press(user.named("pairs"))
    yield 0.05
    from chimerax.flexrec.panel.plot.component_pairs import ComponentPairs

    for window in user.panel.findChildren(ComponentPairs):
        if random.random() < 0.5:
            user.command("close")
        if window.isVisible():
            window.grid.chosen.emit("pc1", "pc2")


@action(1)
def explore(user: User, random: Random) -> None:
    user.command(f"flexrec {one_of(random, ('landscape', 'selections', 'path', 'jobs', 'umap'))}{user.about(random)}")


@action(1)
def save_session(user: User, random: Random) -> None:
    file = user.folder / f"session {len(user.saved)}.cxs"
    user.command(f'save "{file}"')
    user.saved.append(file)


@action(1, asks_map=True)
def restore_session(user: User, random: Random) -> None:
    if user.saved:
        user.command(f'open "{one_of(random, user.saved)}"')
        user.command("flexrec show")


@action(0.7)
def save_scene(user: User, random: Random) -> None:
    user.command(one_of(random, ("scenes save one", "scenes restore one")))


@action(1)
def lose_project(user: User, random: Random) -> None:
    user.delete_project(int(random.integers(2)))


@action(1.5)
def put_project_back(user: User, random: Random) -> None:
    user.project(int(random.integers(2)))


@action(1.5)
def lose_engine(user: User, random: Random) -> None:
    user.kill_engine()


@action(1)
def go_to_tab(user: User, random: Random) -> None:
    if user.panel is not None:
        user.panel.tabs.setCurrentIndex(int(random.integers(user.panel.tabs.count())))


@action(1)
def rest(user: User, random: Random) -> Iterator[float]:
    yield random.uniform(0.1, 0.6)
