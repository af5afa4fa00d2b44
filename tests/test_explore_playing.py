from __future__ import annotations

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.ensemble import drawn_states
from chimerax.flexrec.explore.playback import Playing
from chimerax.flexrec.models import open_model
from trained_models import make_trained


def test_a_path_is_played_by_time():
    there = Playing(2.0)
    assert [there.place(t) for t in (0, 0.5, 2, 9)] == [0, 0.25, 1, 1]
    assert not there.ended(1.99) and there.ended(2.0)
    back = Playing(2.0, bounce=True)
    assert [back.place(t) for t in (0, 1, 2, 3, 4, 9)] == [0, 0.5, 1, 0.5, 0, 0]
    assert not back.ended(3.9) and back.ended(4.0)
    loop = Playing(2.0, loop=True)
    assert loop.place(7) == 0.5 and not loop.ended(1e6)
    assert Playing(2.0, reverse=True).place(0.5) == 0.75


def test_playing_goes_on_where_it_rested():
    for how in (Playing(3.0), Playing(3.0, reverse=True), Playing(3.0, bounce=True)):
        assert how.place(how.time_of(0.3)) == pytest.approx(0.3)


def test_states_are_shown_once_each():
    assert Playing(1.0).order(4) == [0, 1, 2, 3]
    assert Playing(1.0, reverse=True).order(3) == [2, 1, 0]
    assert Playing(1.0, bounce=True).order(4) == [0, 1, 2, 3, 2, 1, 0]
    assert Playing(1.0, bounce=True, loop=True).order(4) == [0, 1, 2, 3, 2, 1]
    assert Playing(1.0, bounce=True).order(1) == [0]


def test_speed_is_states_a_second():
    assert Playing.of(31, None, None).seconds == 3
    assert Playing.of(31, 5.0, None).seconds == 6
    assert Playing.of(31, None, 4.0).seconds == 4
    with pytest.raises(InputError, match="exclude"):
        Playing.of(31, 5.0, 4.0)


def test_an_ensemble_is_drawn_from_the_particles(tmp_path):
    model = open_model(make_trained(tmp_path / "003-train")[0])
    states = drawn_states(model, 200, seed=1)
    assert len({tuple(z) for z in states}) == 200
    assert all((model.latents == z).all(axis=1).any() for z in states)
    assert np.array_equal(states, drawn_states(model, 200, seed=1))
    noise = drawn_states(model, 200, seed=1, uncertain=True) - states
    assert np.cov(noise.T) == pytest.approx(np.eye(2) / 9, abs=0.03)  # the precision is 9 in each direction
    for count in (0, 301):
        with pytest.raises(InputError, match="members"):
            drawn_states(model, count)
