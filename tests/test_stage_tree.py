"""The processes that belong together: found, looked at, ended; and the channel on which they are asked for."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from grader.stage import channel, tree
from grader.stage.tree import Process
from tests.leftovers import all_end

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def process(pid: int, parent: int, session: int) -> Process:
    return Process(pid, parent, session, session, "S", 0.0)


def test_members_are_descendants_and_those_who_share_a_session_with_one() -> None:
    family = [
        process(10, 1, 10),  # the app, which leads a session
        process(11, 10, 10),  # its child
        process(12, 1, 10),  # an orphan that stayed in the session
        process(13, 11, 13),  # a grandchild with a session of its own
        process(14, 1, 13),  # an orphan in that session
        process(20, 1, 20),  # a stranger
        process(21, 20, 20),
    ]
    assert tree.members([10], {one.pid: one for one in family}) == {10, 11, 12, 13, 14}


@on_linux
def test_a_sleeper_sleeps_a_worker_does_not_and_a_stopped_one_is_idle() -> None:
    with (
        subprocess.Popen(["sleep", "1000"]) as sleeper,
        subprocess.Popen(["sh", "-c", "while :; do :; done"]) as worker,
    ):
        try:
            wait_for_state(sleeper.pid, "S")
            wait_for_state(worker.pid, "R")
            assert tree.asleep([sleeper.pid])
            assert not tree.asleep([sleeper.pid, worker.pid])
            worker.send_signal(19)
            wait_for_state(worker.pid, "T")
            assert tree.asleep([sleeper.pid, worker.pid])
        finally:
            tree.destroy([sleeper.pid, worker.pid])


def wait_for_state(pid: int, state: str) -> None:
    """Look until the kernel says so: a signal takes its time."""
    while tree.table()[pid].state != state:
        os.sched_yield()


def test_one_that_is_gone_is_idle_and_cannot_be_ended_twice() -> None:
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    assert tree.asleep([gone.pid])
    tree.destroy([gone.pid])


def test_the_processor_time_of_children_that_have_ended_counts() -> None:
    before = tree.table()[os.getpid()].cpu
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.3: pass"], check=True)
    assert tree.table()[os.getpid()].cpu >= before + 0.2


@on_linux
def test_a_family_that_multiplies_is_ended_and_the_spared_live() -> None:
    script = "trap '' TERM; for i in 1 2 3 4 5 6 7 8; do (while :; do sleep 0.01; done) & done; echo ready; wait"
    with (
        subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True) as family,
        subprocess.Popen(["sleep", "1000"]) as spared,
    ):
        assert family.stdout is not None
        family.stdout.readline()
        pids = tree.members([family.pid], tree.table())
        assert len(pids) >= 9
        tree.destroy([family.pid, spared.pid], spare=[spared.pid])
        assert family.wait() == -9
        assert all_end(pids)
        assert spared.poll() is None
        spared.kill()


@on_linux
def test_processes_are_found_by_their_environment_or_folder(tmp_path: Path) -> None:
    told = {"HOME": f"{tmp_path}/data"}
    with (
        subprocess.Popen(["/bin/sleep", "1000"], env=told) as named,
        subprocess.Popen(["/bin/sleep", "1000"], env={}, cwd=tmp_path) as at_work,
    ):
        assert tree.marked(str(tmp_path)) == {named.pid, at_work.pid}
        named.kill()
        at_work.kill()


def test_messages_and_descriptors_travel_together() -> None:
    here, there = socket.socketpair()
    reader, writer = os.pipe()
    with here, there:
        channel.send(here, {"do": "start", "text": "Grüße"}, [writer])
        channel.send(here, {"do": "next"})
        message, [copy] = channel.receive(there)
        assert message == {"do": "start", "text": "Grüße"}
        assert channel.receive(there) == ({"do": "next"}, [])
    os.write(copy, b"x")
    assert os.read(reader, 1) == b"x"
    for descriptor in (reader, writer, copy):
        os.close(descriptor)


def test_the_end_of_the_other_side_is_told() -> None:
    here, there = socket.socketpair()
    with there:
        here.close()
        with pytest.raises(channel.ChannelClosed):
            channel.receive(there)
        with pytest.raises(channel.ChannelClosed):
            channel.send(there, {"do": "start"})


@pytest.mark.parametrize("sent", [b"\0", b"\0\0\0\5{", b"\xff\xff\xff\xff"])
def test_half_a_message_or_a_monstrous_one_is_none(sent: bytes) -> None:
    here, there = socket.socketpair()
    with here, there:
        here.sendall(sent)
        here.shutdown(socket.SHUT_WR)
        with pytest.raises(channel.ChannelClosed):
            channel.receive(there)
