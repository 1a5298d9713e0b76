"""The chain of people, as the settings say it."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from alerts.people import ANYONE, Person, QuietHours, chain_of, due_after_s
from lullwatch.errors import BadSettings
from lullwatch.settings import load

BASE = """
gateway = "home"
journal_dir = "x"
[mqtt]
host = "127.0.0.1"
tls = false
[[infants]]
id = "a"
[[infants.sensors]]
site = "LA"
address = "C0:00:00:00:00:01"
"""


def settings(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "lullwatch.toml"
    path.write_text(BASE + text, encoding="utf-8")
    return path


def test_the_chain_is_in_the_order_of_the_settings_and_then_of_ids() -> None:
    people = [Person("c"), Person("b", order=2), Person("a"), Person("d", order=1, infants=("other",))]
    assert [p.id for p in chain_of(people, "kid")] == ["a", "c", "b"]
    assert chain_of([Person("d", infants=("other",))], "kid") == (ANYONE,)


def test_the_first_is_told_at_once_and_the_others_after_one_another() -> None:
    chain = (Person("a", after_s=600.0), Person("b"), Person("c", after_s=0.0), Person("d", after_s=30.0))
    assert due_after_s(chain) == (0.0, 120.0, 120.0, 150.0)


@pytest.mark.parametrize(
    ("at", "held"), [("21:59", False), ("22:00", True), ("03:00", True), ("07:00", False)]
)
def test_quiet_hours_may_run_over_midnight(at: str, held: bool) -> None:
    assert QuietHours(time(22), time(7)).hold(time.fromisoformat(at)) is held
    assert QuietHours(time(7), time(22)).hold(time.fromisoformat(at)) is not held
    assert not QuietHours(time(7), time(7)).hold(time.fromisoformat(at))


def test_people_stand_in_the_settings_by_their_ids(tmp_path: Path) -> None:
    text = """
[[people]]
id = "p1"
[[people]]
id = "p2"
order = 1
after_s = 60
repeat_s = 30
quiet = "22:00-06:30"
infants = ["a"]
[commands]
sources = ["button"]
[watch]
ping_url = "https://example.org/ping/secret"
"""
    known = load(settings(tmp_path, text))
    assert [p.person for p in known.people] == [
        Person("p1"),
        Person("p2", ("mqtt",), 1, 60.0, 30.0, QuietHours(time(22), time(6, 30)), ("a",)),
    ]
    assert known.commands.sources == ("button",)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[[people]]\nid = "Anna Smith"', "another form"),
        ('[[people]]\nid = "p1"\n[[people]]\nid = "p1"', "twice"),
        ('[[people]]\nid = "p1"\nchannels = []', "length"),
        ('[[people]]\nid = "p1"\nchannels = ["pager"]', "pager"),
        ('[[people]]\nid = "p1"\nafter_s = 7200', "1800"),
        ('[[people]]\nid = "p1"\nrepeat_s = 1', "20"),
        ('[[people]]\nid = "p1"\nquiet = "all night"', "another form"),
        ('[[people]]\nid = "p1"\ninfants = ["b"]', "whom no"),
        ("[rules]\njerking_s = 600", "20"),
        ('[watch]\nping_url = "file:///etc/passwd"', "neither http:// nor https://"),
    ],
)
def test_what_would_leave_somebody_unreached_is_refused_at_the_start(
    tmp_path: Path, text: str, what: str
) -> None:
    with pytest.raises(BadSettings, match=what):
        load(settings(tmp_path, text))
