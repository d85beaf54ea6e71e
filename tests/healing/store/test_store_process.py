"""Which holder of a place is alive: by its id, its start, the machine's boot."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys

from hms.agents.healing.store.process import (
    Holder,
    Place,
    free_name,
    started_of,
    this_process,
)


def test_this_process_lives() -> None:
    here = this_process()
    assert here.pid == os.getpid()
    assert here.is_alive(here) is True


def test_an_id_that_is_used_again_is_another_process() -> None:
    here = this_process()
    assert dataclasses.replace(here, started="1").is_alive(here) is False


def test_another_boot_or_a_place_given_back_is_dead_another_host_unknown() -> None:
    here = this_process()
    assert dataclasses.replace(here, boot_id="another").is_alive(here) is False
    assert dataclasses.replace(here, pid=0).is_alive(here) is False
    assert dataclasses.replace(here, host="another").is_alive(here) is None


def test_a_killed_process_is_dead_also_before_its_parent_has_noticed() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    here = this_process()
    held = dataclasses.replace(here, pid=child.pid, started=started_of(child.pid))
    assert held.is_alive(here) is True
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and still a zombie
    assert held.is_alive(here) is False
    child.communicate()
    assert held.is_alive(here) is False


def test_where_the_start_is_not_known_the_id_alone_decides() -> None:
    here = this_process()
    assert Holder(here.host, os.getpid(), "", here.boot_id).is_alive(here) is True
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert Holder(here.host, child.pid, "", here.boot_id).is_alive(here) is False


def test_the_next_free_number_is_taken() -> None:
    here = this_process()
    alive, dead = Place(here, 0.0), Place(dataclasses.replace(here, pid=0), 0.0)
    assert free_name("a", {}, here, 0.0) == "a"
    assert free_name("a", {"a": alive, "a-2": alive, "a-3": dead}, here, 0.0) == "a-3"
    assert free_name("a", {"a": alive, "a-3": alive}, here, 0.0) == "a-2"
