"""The engine process by its pipes alone: what it answers, drops, refuses, and when it ends."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import talking_answers
from chimerax.flexrec.decoder_process import messages
from chimerax.flexrec.decoder_process.messages import MalformedError, packed, read_message
from waiting_for import wait_until

TALKING = [sys.executable, talking_answers.__file__]


class Connection:
    """A process and its pipes."""

    def __init__(self, command: list[str]) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)

    def send(self, *messages: dict | bytes) -> None:
        lines = [json.dumps(m).encode() + b"\n" if isinstance(m, dict) else m for m in messages]
        self.process.stdin.write(b"".join(lines))
        self.process.stdin.flush()

    def read(self, count: int = 1) -> list[tuple]:
        return [read_message(self.process.stdout, None) for _ in range(count)]

    def occupy(self, seconds: float, **fields) -> None:
        """Have it at work on the request 0."""
        self.ask(id=0, ask="ping")
        self.send({"id": 0, "ask": "sleep", "seconds": seconds, **fields})
        time.sleep(0.15)

    def ask(self, **fields) -> dict:
        self.send(fields)
        return self.read()[0][0]


@pytest.fixture
def connection():
    connection = Connection(TALKING)
    yield connection
    connection.process.kill()
    connection.process.wait()
    for file in (connection.process.stdin, connection.process.stdout, connection.process.stderr):
        file.close()


def gone(pid: int) -> bool:
    """Whether a process that is nobody's child of ours has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def test_it_says_hello_as_a_module_of_the_package():
    connection = Connection([sys.executable, "-m", "chimerax.flexrec.decoder_process", "--backend", "numpy"])
    said = connection.ask(id="first", ask="hello")
    assert said["id"] == "first" and said["protocol"] == messages.PROTOCOL and said["backend"] == "numpy"
    assert said["python"] == sys.version.split()[0] and said["modules"]["numpy"] == np.__version__
    assert said["pid"] == connection.process.pid
    if sys.platform == "linux":
        assert "torch" not in Path(f"/proc/{connection.process.pid}/maps").read_text()
    connection.process.stdin.close()
    assert connection.process.wait(10) == 0
    assert connection.process.stdout.read() == b"" and connection.process.stderr.read() == b""


def test_arrays_go_both_ways(connection):
    connection.send(*packed({"id": 1, "ask": "double", "said": "é\n"}, np.arange(6).reshape(2, 3)))
    header, array = connection.read()[0]
    assert (header["id"], header["said"], array.dtype) == (1, "é\n", np.float32)
    assert array.tolist() == [[0, 2, 4], [6, 8, 10]]
    connection.send(*packed({"id": 2, "ask": "double"}, np.zeros((0, 3))))
    assert connection.read()[0][1].shape == (0, 3)


def test_standard_output_has_answers_and_nothing_else(connection):
    connection.send({"id": 1, "ask": "talk"}, {"id": 2, "ask": "ping"})
    assert [header for header, _ in connection.read(2)] == [{"id": 1, "read": ""}, {"id": 2}]
    connection.process.kill()
    out, err = connection.process.communicate()
    assert out == b""
    for words in (b"starting with auto", b"from print", b"from the file of standard output", b"from a child"):
        assert words in err


def test_mistakes_are_answered_by_sentences_and_the_process_goes_on(connection):
    for ask, kind, words in (
        ("refuse", "input", "this is refused; ask something else."),
        ("exhaust", "memory", "there is not enough memory for exhaust"),
        ("divide", "bug", "FlexRec made a mistake in divide (ZeroDivisionError: division by zero)"),
    ):
        said = connection.ask(id=3, ask=ask)
        assert said["id"] == 3 and said["kind"] == kind and words in said["error"]
    assert connection.ask(id=4, ask="ping") == {"id": 4}


@pytest.mark.parametrize(
    "line, words",
    [
        (b"not JSON\n", "not JSON"),
        (b"\n", "not JSON"),
        (b"\xff\xfe\n", "not JSON"),
        (b"[" * 100_000 + b"\n", "not JSON"),
        (b"[1, 2]\n", "no JSON object"),
        (b'{"ask": "ping"}\n', "has no id"),
        (b'{"id": [1], "ask": "ping"}\n', "has no id"),
        (b'{"id": 7}\n', "does not say what it asks"),
        (b'{"id": 7, "ask": "ping", "channel": 3}\n', "channel is no text"),
        (b'{"id": 7, "ask": "ping", "bytes": -4}\n', "bytes is -4"),
        (b'{"id": 7, "ask": "ping", "bytes": "4"}\n', "bytes is '4'"),
        (b'{"id": 7, "ask": "ping", "bytes": 6}\n123456', "does not take the 6 bytes"),
        (b'{"id": 7, "ask": "ping", "bytes": 8, "shape": [3]}\n12345678', "shape [3]"),
        (b'{"id": 7, "ask": "ping", "bytes": 8, "shape": 2}\n12345678', "shape 2"),
        (b'{"id": 7, "ask": "ping", "shape": [0, 1e300]}\n', "shape [0, 1e+300]"),
        (b'{"id": 7, "ask": "ping", "shape": [0, 999999999999999999999]}\n', "shape [0, 9"),
        (b'{"id": 7, "ask": "ping", "bytes": 4, "shape": [1' + b", 1" * 70 + b"]}\n1234", "shape [1"),
        (b" " * (messages.LINE_LIMIT + 5) + b"\n", "longer than"),
    ],
)
def test_what_cannot_be_understood_is_answered_and_the_next_line_is_read(connection, line, words):
    connection.send(line, {"id": 8, "ask": "ping"})
    (refused, _), (next_one, _) = connection.read(2)
    assert words in refused["error"] and refused["kind"] == "input"
    assert refused["id"] in (7, None)
    assert next_one == {"id": 8}


def test_too_many_bytes_are_read_past():
    file = io.BytesIO(b'{"id": 1, "bytes": 12}\n123456789012{"id": 2}\n')
    with pytest.raises(MalformedError, match="8 are the limit"):
        read_message(file, 8)
    assert read_message(file) == ({"id": 2}, None)
    assert read_message(file) is None
    assert read_message(io.BytesIO(b'{"id": 1, "bytes": 12}\n1234')) is None


def test_the_newest_request_of_a_channel_wins_and_no_other_is_touched(connection):
    connection.occupy(0.4, channel="drag")
    connection.send(
        *({"id": i, "ask": "double", "channel": "drag"} for i in range(1, 6)),
        {"id": 6, "ask": "double", "channel": "other"},
        {"id": 7, "ask": "double"},
        {"id": 8, "ask": "double"},
    )
    said = [header for header, _ in connection.read(9)]
    assert said[0] == {"id": 0}  # begun, so finished
    assert [header for header in said if header.get("dropped")] == [{"id": i, "dropped": True} for i in range(1, 5)]
    assert [header["id"] for header in said if "said" in header] == [5, 6, 7, 8]


def test_a_waiting_request_can_be_cancelled(connection):
    connection.occupy(0.4)
    cancel = {"ask": "cancel"}
    connection.send({"id": 1, "ask": "double"}, {"id": 2, "cancels": 1, **cancel}, {"id": 3, "cancels": 0, **cancel})
    connection.send({"id": 4, "ask": "ping"})
    said = [header for header, _ in connection.read(5)]
    assert said[1:] == [
        {"id": 1, "dropped": True},
        {"id": 2, "cancelled": True},
        {"id": 3, "cancelled": False},
        {"id": 4},
    ]


def test_more_requests_than_can_wait_are_refused(connection, tmp_path):
    begun, until = tmp_path / "begun", tmp_path / "until"
    connection.send({"id": 0, "ask": "wait", "begun": str(begun), "until": str(until)})
    wait_until(begun.exists, "it is at work")
    connection.send(*({"id": i, "ask": "double"} for i in range(1, 1100)))
    # its pipe does not hold as much as this: once it is sent, all before it have been read
    connection.send(*packed({"id": "last", "ask": "double"}, np.zeros(1 << 20)))
    until.touch()
    said = [header for header, _ in connection.read(1101) if header["id"] != "last"]
    refused = [header["id"] for header in said if "too many requests wait" in header.get("error", "")]
    assert refused == list(range(1001, 1100))
    assert {header["id"] for header in said} == set(range(1100))


def test_it_ends_with_its_input_though_it_is_at_work(connection):
    connection.occupy(60)
    connection.process.stdin.close()
    assert connection.process.wait(10) == 0


PARENT = """
import json, os, subprocess, sys, time
child = subprocess.Popen({command!r}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdin.write(json.dumps({{"id": 0, "ask": "hello"}}).encode() + b"\\n")
child.stdin.flush()
child.stdout.readline()
child.stdin.write({line!r})
child.stdin.flush()
if {fork} and os.fork() == 0:
    time.sleep(20)
    os._exit(0)
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize(
    "fields, fork",
    [
        ({"ask": "ping"}, False),
        ({"ask": "sleep", "seconds": 60}, False),
        ({"ask": "fill", "count": 10_000_000}, False),  # which nobody reads
        ({"ask": "fill", "count": 10_000_000}, True),  # while a fork of the parent holds the pipes open
    ],
    ids=["idle", "computing", "writing", "forked"],
)
def test_it_dies_with_its_parent(fields, fork):
    line = json.dumps({"id": 1, **fields}).encode() + b"\n"
    code = PARENT.format(command=TALKING, line=line, fork=fork)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True) as parent:
        pid = int(parent.stdout.readline())
        time.sleep(0.3)
        assert not gone(pid)
        parent.kill()
        try:
            wait_until(lambda: gone(pid), "the engine process outlives its parent", 10)
        finally:
            os.killpg(parent.pid, signal.SIGKILL)
