"""Bytes become packets in time, each once; what is missing is asked for, and given up only when it must be."""

from __future__ import annotations

import binascii

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsp.records import NS, Packet, Segment, Site
from ingest.backfill import Backfill
from ingest.errors import Impossible, NoTimeYet
from ingest.sock_codec import (
    AccRange,
    BadPacket,
    Confirm,
    DataFlag,
    DataPacket,
    Fetch,
    GyroRange,
    Held,
    Rate,
    ResetCause,
    SockStatus,
    as_backfill,
    encode_data,
)
from ingest.stream import FETCH_SPAN_MAX, SockStream
from tests.sensor_truth import Truth

LATER_NS = 1000 * NS


def raw_of(packet: Packet) -> bytes:
    return encode_data(
        DataPacket(
            DataFlag.NONE,
            packet.boot,
            packet.seq,
            packet.clock,
            Rate.HZ_104,
            AccRange.G_8,
            GyroRange.DPS_1000,
            packet.counts,
        )
    )


def status(
    boot: int = 1, next_seq: int = 0, held: Held | None = None, earlier: Held | None = None
) -> SockStatus:
    return SockStatus(
        90,
        False,
        True,
        ResetCause.POWER_ON,
        (1, 0, 0),
        Rate.HZ_104,
        AccRange.G_8,
        GyroRange.DPS_1000,
        5,
        boot,
        next_seq,
        held,
        0,
        earlier,
    )


class Sock:
    """Packets by number, live and as back-fill."""

    def __init__(self, boot: int = 1, start_s: float = 100.0) -> None:
        self.packets = [p for p, _ in Truth(boot=boot, start_s=start_s).packets(2)]

    def live(self, stream: SockStream, *seqs: int) -> list[tuple[Packet, Segment] | None]:
        return [stream.take(raw_of(self.packets[s]), self.packets[s].arrived_ns) for s in seqs]

    def late(self, stream: SockStream, *seqs: int) -> list[tuple[Packet, Segment] | None]:
        return [stream.take(as_backfill(raw_of(self.packets[s])), LATER_NS) for s in seqs]


def begun(**what: object) -> SockStream:
    stream = SockStream(Site.LA, "sock-la")
    stream.begin(status(**what))  # type: ignore[arg-type]
    return stream


def test_a_packet_that_comes_twice_is_taken_once() -> None:
    stream, sock = begun(), Sock()
    assert [t is not None for t in sock.live(stream, 0, 1, 1, 2, 0)] == [True, True, False, True, False]
    assert (stream.counts.received, stream.counts.duplicates) == (3, 2)


def test_a_missing_span_is_wanted_until_it_is_filled() -> None:
    stream, sock = begun(), Sock()
    sock.live(stream, 0, 1, 5)
    assert stream.wanted() == Fetch(1, 2, 4)
    assert stream.lost == 3
    sock.late(stream, 2, 4)
    assert stream.wanted() == Fetch(1, 3, 3)
    sock.late(stream, 3)
    assert stream.wanted() is None
    assert stream.lost == 0
    assert stream.counts.backfilled == 3


def test_what_the_sock_held_before_the_first_connection_is_wanted_once_its_clock_is_known() -> None:
    stream, sock = begun(next_seq=50, held=Held(1, 10, 49)), Sock()
    assert stream.wanted() is None
    sock.live(stream, 50)
    assert stream.wanted() == Fetch(1, 10, 49)


def test_a_long_gap_is_asked_for_in_pieces() -> None:
    stream, sock = begun(), Sock()
    sock.live(stream, 0)
    stream.begin(status(next_seq=9000, held=Held(1, 1, 8999)))
    stream._ledger(1).exists_up_to(8999)
    assert stream.wanted() == Fetch(1, 1, FETCH_SPAN_MAX)


def test_backfill_of_a_boot_without_a_clock_stays_missing() -> None:
    stream, sock = begun(), Sock()
    with pytest.raises(NoTimeYet):
        sock.late(stream, 0)
    assert sock.live(stream, 1) != [None]
    assert sock.late(stream, 0) != [None]


def test_packets_of_an_earlier_boot_are_wanted_after_a_restart() -> None:
    stream, old = begun(), Sock()
    old.live(stream, 0, 1, 2)
    stream.begin(status(boot=2, earlier=Held(1, 1, 6)))
    Sock(boot=2, start_s=400.0).live(stream, 0)
    assert stream.wanted() == Fetch(1, 3, 6)


def test_an_earlier_boot_that_nobody_heard_is_left_in_the_sock(caplog: pytest.LogCaptureFixture) -> None:
    stream = begun(boot=2, earlier=Held(9, 0, 6))
    Sock(boot=2).live(stream, 0)
    assert stream.wanted() is None
    assert stream.confirms() == []
    assert "0x00000009" in caplog.text


def test_only_what_is_committed_without_a_hole_is_confirmed() -> None:
    stream, sock = begun(), Sock()
    taken = [t[0] for t in sock.live(stream, 0, 1, 2, 4) if t]
    assert stream.confirms() == []
    for packet in taken:
        stream.committed(packet)
    assert stream.confirms() == [Confirm(1, 2)]
    stream.confirmed(Confirm(1, 2))
    assert stream.confirms() == []


def test_what_was_kept_before_a_restart_of_the_gateway_is_not_taken_again() -> None:
    stream, sock = SockStream(Site.LA, "sock-la"), Sock()
    stream.resume(1, 19)
    stream.begin(status(next_seq=30, held=Held(1, 15, 29)))
    sock.live(stream, 30)
    assert stream.wanted() == Fetch(1, 20, 29)
    assert sock.late(stream, 18) == [None]


def test_damage_is_counted_and_shows_as_a_gap() -> None:
    stream, sock = begun(), Sock()
    sock.live(stream, 0)
    with pytest.raises(BadPacket):
        stream.take(raw_of(sock.packets[1])[:-1] + b"?", LATER_NS)
    sock.live(stream, 2)
    assert stream.counts.damaged == 1
    assert stream.wanted() == Fetch(1, 1, 1)


def fetching(gap: range = range(2, 5)) -> tuple[SockStream, Sock, Backfill]:
    stream, sock = begun(), Sock()
    sock.live(stream, *(s for s in range(gap.stop + 1) if s not in gap))
    return stream, sock, Backfill(stream)


def hear(sock: Sock, stream: SockStream, backfill: Backfill, *seqs: int) -> None:
    for taken in sock.late(stream, *seqs):
        assert taken is not None
        backfill.arrived(taken[0])


def test_one_fetch_at_a_time() -> None:
    stream, sock, backfill = fetching()
    fetch = backfill.due(LATER_NS)
    assert fetch == Fetch(1, 2, 4)
    backfill.promised(fetch, 3)
    assert backfill.due(LATER_NS + NS) is None
    hear(sock, stream, backfill, 2, 3, 4)
    assert backfill.due(LATER_NS + NS) is None
    assert stream.lost == 0


def test_packets_that_come_before_the_answer_is_noticed_count() -> None:
    stream, sock, backfill = fetching()
    fetch = backfill.due(LATER_NS)
    assert fetch is not None
    hear(sock, stream, backfill, 2, 3)
    backfill.promised(fetch, 2)
    assert backfill.due(LATER_NS + 1) == Fetch(1, 4, 4)


def test_a_fetch_that_fell_silent_is_given_up_once_the_sock_has_taken_a_fourth() -> None:
    stream, _, backfill = fetching()
    now_ns = LATER_NS
    for _ in range(4):
        assert stream._ledger(1).given_up == 0
        fetch = backfill.due(now_ns)
        assert fetch == Fetch(1, 2, 4)
        backfill.promised(fetch, 3)
        now_ns += 4 * NS
    assert backfill.due(now_ns) == Fetch(1, 3, 4)
    assert stream._ledger(1).given_up == 1
    assert stream.lost == 3


def test_a_gateway_that_lags_behind_a_sock_at_work_gives_nothing_up() -> None:
    stream, sock, backfill = fetching()
    fetch = backfill.due(LATER_NS)
    assert fetch is not None
    backfill.promised(fetch, 3)
    for i in range(1, 20):
        assert backfill.due(LATER_NS + i * 4 * NS) == fetch
        backfill.promised(fetch, None)
    hear(sock, stream, backfill, 2, 3, 4)
    assert backfill.due(LATER_NS + 100 * NS) is None
    assert stream._ledger(1).given_up == 0


def test_what_the_sock_says_it_no_longer_has_is_given_up_at_once() -> None:
    stream, _, backfill = fetching()
    fetch = backfill.due(LATER_NS)
    assert fetch is not None
    backfill.promised(fetch, 0)
    assert backfill.due(LATER_NS) is None
    assert stream._ledger(1).given_up == 3


def test_a_busy_sock_is_asked_again() -> None:
    _, _, backfill = fetching()
    fetch = backfill.due(LATER_NS)
    assert fetch is not None
    backfill.promised(fetch, None)
    assert backfill.due(LATER_NS) == fetch


def test_a_packet_that_the_sink_refuses_again_and_again_is_never_given_up() -> None:
    stream, sock, backfill = fetching(range(2, 3))
    now_ns = LATER_NS
    for _ in range(10):
        fetch = backfill.due(now_ns)
        assert fetch == Fetch(1, 2, 2)
        backfill.promised(fetch, 1)
        hear(sock, stream, backfill, 2)
        stream.failed(sock.packets[2])
        backfill.refused(now_ns)
        assert backfill.due(now_ns + NS) is None
        now_ns += 6 * NS
    assert stream._ledger(1).given_up == 0


def test_a_lost_link_does_not_count_against_a_fetch() -> None:
    stream, _, backfill = fetching()
    for i in range(10):
        fetch = backfill.due(LATER_NS + i * 10 * NS)
        assert fetch == Fetch(1, 2, 4)
        backfill.promised(fetch, 3)
        backfill.interrupted()
    assert stream._ledger(1).given_up == 0


def changed(raw: bytes, *, boot: int | None = None, seq: int | None = None) -> bytes:
    """The packet with another boot or number, and a check sum that fits."""
    at = {2: boot, 6: seq}
    for place, value in at.items():
        if value is not None:
            raw = raw[:place] + value.to_bytes(4, "little") + raw[place + 4 :]
    return raw[:-2] + binascii.crc_hqx(raw[:-2], 0xFFFF).to_bytes(2, "little")


@pytest.mark.parametrize("wrong", [{"seq": 4_000_000_000}, {"seq": 1000}, {"boot": 77}])
def test_a_whole_packet_that_the_sock_cannot_have_sent_now_changes_nothing(wrong: dict[str, int]) -> None:
    sock, stream = Sock(), begun()
    sock.live(stream, 0, 1, 2)
    with pytest.raises(Impossible, match="cannot have been sent now"):
        stream.take(changed(raw_of(sock.packets[3]), **wrong), sock.packets[3].arrived_ns)
    assert stream.lost == 0
    assert stream.wanted() is None
    assert sock.live(stream, 3) != [None]
    assert (stream.counts.received, stream.counts.damaged) == (4, 1)


def test_what_a_fetch_cannot_have_brought_is_left_out() -> None:
    sock, stream = Sock(), begun()
    sock.live(stream, 0, 5)
    with pytest.raises(Impossible):
        sock.late(stream, 6)
    assert sock.late(stream, 3) != [None]
    assert stream.lost == 3


@given(st.lists(st.tuples(st.binary(max_size=300), st.booleans(), st.integers(0, 700)), max_size=40))
@settings(max_examples=30)
def test_no_bytes_do_more_to_a_stream_than_be_refused(heard: list[tuple[bytes, bool, int]]) -> None:
    sock, stream = Sock(), begun()
    for noise, is_changed, seq in heard:
        good = raw_of(sock.packets[seq])
        raw = (
            changed(good[:18] + noise[: len(good) - 20] + b"\0\0")
            if is_changed and len(noise) > 20
            else noise
        )
        try:
            stream.take(raw, sock.packets[seq].arrived_ns)
        except (BadPacket, Impossible, NoTimeYet):
            continue
    assert stream.lost <= 700
    assert sum(len(ledger.missing) for ledger in stream._ledgers.values()) <= 700
