"""An action in a process of its own: what it says, shows and returns are messages, and so is what was wrong."""

from __future__ import annotations

import sys
import time

import numpy as np
import pytest
from chimerax.flexrec.actions.action_registry import find_action
from chimerax.flexrec.actions.action_scene import Link
from chimerax.flexrec.actions.apart_process import request_of, table_of
from chimerax.flexrec.decoder_process.child import Child
from chimerax.flexrec.decoder_process.messages import packed
from chimerax.flexrec.environment import booted
from chimerax.flexrec.explore.cluster_file import load_clusters
from chimerax.flexrec.explore.trained_model import open_trained
from explored_project import make_project

PROCESS = "chimerax.flexrec.actions.apart_process"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    project = tmp_path_factory.mktemp("project")
    make_project(project)
    return open_trained(project / "003-train")


def begin(words, values, models) -> Child:
    child = Child(sys.executable, booted(PROCESS))
    child.send(packed(request_of(words, find_action(words).build(values), models)))
    return child


def answers(child: Child) -> list[dict]:
    """All its messages, until it ends."""
    heard = []
    while (event := child.event(60)) is not None:
        heard.append(event[0])
    assert child.ending() == "ended with exit status 0"
    return heard


def test_a_table_with_its_links_and_the_result_come_and_what_is_kept_is_there(trained):
    table, result = answers(begin("cluster", {"count": 3}, {"": trained}))
    shown = table_of(table["table"])
    clusters = load_clusters(trained)
    assert shown.caption == "3 clusters" and [int(row[1]) for row in shown.rows] == clusters.size.tolist()
    assert isinstance(shown.rows[0][0], Link)
    assert shown.rows[0][0].command == f"flexrec volume particle {clusters.centre[0]}"
    assert result["result"] == {"size": clusters.size.tolist(), "middle": clusters.centre.tolist()}


def test_two_open_models_are_compared_with_word_of_each_map(trained, tmp_path):
    other = open_trained(make_project(tmp_path / "p"))
    object.__setattr__(other.model, "latents", trained.latents)
    heard = answers(begin("compare", {"other": "#2", "maps": 3}, {"": trained, "#2": other}))
    steps = [message["progress"][1:] for message in heard if "progress" in message]
    assert steps == [[step, 6] for step in range(1, 7)]
    (result,) = (message["result"] for message in heard if "result" in message)
    assert result["particles"] == 300 and result["maps"]["cc"] > 0.99
    assert (trained.folder / "explore" / "compared_003-train.png").is_file()


def test_a_mistake_comes_as_a_sentence_and_keeps_nothing(trained):
    (error,) = answers(begin("select", {"name": "far", "where": "nonsense > 1"}, {"": trained}))
    assert "nonsense" in error["error"] and not (trained.project / "selections" / "far.npz").exists()


def test_one_that_is_ended_is_gone_at_once(trained):
    child = begin("compare", {"other": str(trained.folder), "maps": 200}, {"": trained})
    while "progress" not in child.event(60)[0]:
        pass
    began = time.monotonic()
    child.end()
    assert child.ended and time.monotonic() - began < 2


def test_only_what_takes_long_is_done_apart():
    cluster, select, compare = map(find_action, ("cluster", "select", "compare"))

    class Many:
        latents = np.zeros((400_000, 2), np.float32)

    class Few:
        latents = np.zeros((4_000, 2), np.float32)

    for model, long in ((Many, True), (Few, False)):
        assert cluster.takes_long(model, cluster.build({"count": 3})) is long
        near = select.build({"name": "a", "near": "1,2", "radius": 1.0, "in_angstroms": True})
        assert select.takes_long(model, near) is long
        assert not select.takes_long(model, select.build({"name": "a"}))
        assert compare.takes_long(model, compare.build({"other": "5"}))
        assert not find_action("volume").takes_long(model, None)
