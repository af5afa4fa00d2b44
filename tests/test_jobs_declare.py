"""Declarations: types read from annotations, values held to them, sentences that name what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.declare import Job
from chimerax.flexrec.parameters import Form, parameter, read_parameters, short_words, value_words
from counting_job import AFTER, COUNT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

OPTIONS = {option.name: option for option in COUNT.options()}


def test_options_carry_what_was_declared():
    steps = OPTIONS["steps"]
    assert (steps.type, steps.default, steps.unit, steps.low, steps.high) == (int, 5, "steps", 1, 10000)
    assert OPTIONS["origin"].many and OPTIONS["origin"].type is float and OPTIONS["origin"].advanced
    assert OPTIONS["start_from"].optional and OPTIONS["start_from"].option == "--start-from"
    assert AFTER.options()[0].job == ("count", "walk") and not AFTER.options()[0].required


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("steps", "12", 12),
        ("pause", "2e-1", 0.2),
        ("pause", "1", 1.0),
        ("listens", "no", False),
        ("origin", "1,-2.5", (1.0, -2.5)),
        ("origin", "", ()),
        ("kind", "fail", "fail"),
        ("start_from", "none", None),
        ("start_from", "a/b.star", Path("a/b.star")),
    ],
)
def test_text_becomes_a_value_of_the_declared_type(name, text, value):
    parsed = OPTIONS[name].parse(text)
    assert parsed == value and type(parsed) is type(value)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("steps", 0, "steps is 0, but must be from 1 to 10000 steps."),
        ("steps", 2.0, "steps is '2.0', but must be a whole number."),
        ("steps", True, "steps is 'True', but must be a whole number."),
        ("pause", -1, "pause is -1.0, but must be at least 0 s."),
        ("pause", float("nan"), "pause is 'nan', but must be a number."),
        ("listens", 1, "listens is '1', but must be true or false."),
        ("kind", "run", "kind is run, but must be one of: walk, fail, crash."),
        ("origin", 3.0, "origin is '3.0', but must be a comma list, each a number."),
        ("origin", (1.0, "x"), "origin is 'x', but must be a comma list, each a number."),
        ("steps", None, "steps is 'None', but must be a whole number."),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(name, value, sentence):
    with pytest.raises(InputError) as caught:
        COUNT.build({name: value})
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("name", "text"), [("steps", "3.5"), ("pause", "fast"), ("listens", "maybe"), ("origin", "1,a")]
)
def test_wrong_text_is_refused(name, text):
    with pytest.raises(InputError, match=f"{name} is '.*', but must be"):
        OPTIONS[name].parse(text)


@pytest.mark.parametrize(("name", "text", "plain"), [
    ("pause", "10Å", "10"), ("pause", "6 A", "6"), ("pause", "15°", "15"), ("pause", "1,5", "1.5"),
    ("pause", "-1,5 nm", "-1.5"), ("steps", "32px", "32"), ("pause", "10,000", None), ("pause", "nan Å", None),
    ("pause", "ten", None), ("steps", "1e3", None), ("steps", "2.5 px", None),
])  # fmt: skip
def test_a_number_with_its_unit_or_a_decimal_comma_is_answered_with_the_plain_one(name, text, plain):
    wanted = "a whole number" if name == "steps" else "a number"
    said = f"{name} is {text!r}, but must be {wanted}" + ("." if plain is None else f"; write {plain}.")
    with pytest.raises(InputError) as refusal:
        {option.name: option for option in COUNT.options()}[name].parse(text)
    assert str(refusal.value) == said


def test_numpy_numbers_are_numbers():
    built = COUNT.build({"steps": np.int64(4), "pause": np.float32(0.5), "origin": np.array([1.0, 2.0])})
    assert (built.steps, built.pause, built.origin) == (4, 0.5, (1.0, 2.0)) and type(built.steps) is int


def test_unknown_and_missing_parameters_are_named():
    @dataclass(frozen=True)
    class NeedsMap:
        coarse: int = parameter(3, help="how coarse")
        volume: Path = parameter(help="the map")

    job = Job("need", "needs a map", NeedsMap, "counting_job:count")
    with pytest.raises(InputError, match="need needs volume: the map"):
        job.build({})
    with pytest.raises(InputError, match=r"need has no parameter volumes; it has coarse, volume\."):
        job.build({"volumes": "x"})


def test_an_annotation_that_no_terminal_can_offer_is_a_mistake_of_the_author():
    @dataclass(frozen=True)
    class Wrong:
        table: dict[str, int] = parameter(help="a table")

    with pytest.raises(TypeError, match="parameter table"):
        Job("wrong", "", Wrong, "x:y").options()


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine says nothing of it
@given(st.floats(min_value=0, max_value=1e300), st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_what_is_printed_reads_back(pause, origin):
    assert OPTIONS["pause"].parse(repr(pause)) == pause
    assert OPTIONS["origin"].parse(",".join(map(repr, origin))) == tuple(origin)


def _two_letters(text: str) -> str:
    if len(text) != 2:
        raise ValueError(text)
    return text.upper()


@dataclass(frozen=True)
class Kinds:
    range: tuple[float, float] = parameter((5.0, 95.0), low=0, high=100, help="two numbers")
    names: tuple[str, ...] = parameter((), repeated=True, help="several words")
    point: str | None = parameter(None, form=Form("point", "two letters", _two_letters), help="formed")
    color: str | None = parameter(None, choices=("red", "blue"), help="either spelling")
    not_: bool = parameter(False, help="a word of Python")
    count: int = parameter(1, help="without a bound")


KINDS = {option.name: option for option in read_parameters(Kinds)}


def test_values_of_every_kind_are_read():
    assert KINDS["range"].parse("10, 90") == (10, 90) and KINDS["names"].parse("a,b") == ("a,b",)
    assert KINDS["point"].parse("ab") == "AB" and KINDS["point"].check(3) == 3  # which a host has read
    assert KINDS["point"].parse("none") is None
    for name, text, said in (
        ("range", "5", "two numbers"), ("range", "5,95,99", "two numbers"), ("range", "5,101", "from 0 to 100"),
        ("range", "a,b", "two numbers"), ("point", "abc", "two letters"), ("point", "", "two letters"),
        ("count", str(2**31), "at most 2147483647"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said):
            KINDS[name].parse(text)
    with pytest.raises(InputError, match="two letters"):
        KINDS["point"].parse("none", unset=False)


def test_names_and_values_in_words():
    assert KINDS["not_"].word == "not" and KINDS["not_"].option == "--not"
    assert KINDS["color"].spellings == ("color", "colour") and KINDS["count"].spellings == ("count",)
    words = {name: value_words(option) for name, option in KINDS.items()}
    assert words["range"] == "two numbers with a comma between them from 0 to 100"
    assert words["names"] == "a word" and words["color"] == "red or blue" and words["count"] == "a whole number"
    short = [short_words(option) for option in KINDS.values()]
    assert short == ["X,X", "name", "point", "name", "true | false", "N"]
