"""What can be made to go wrong with a virtual sock while it runs."""

from __future__ import annotations

from dsp.clock import Clock
from dsp.records import NS
from firmware_sim.sock_memory import SockMemory
from firmware_sim.sock_sender import SockSender
from firmware_sim.sock_sensor import SockSensor, swap_places

__all__ = ["FaultsOnDemand"]


class FaultsOnDemand:
    """Faults of radio, memory, chip and wearing; docs/sock-faults.md shows what a gateway sees of each."""

    memory: SockMemory
    _clock: Clock
    _sender: SockSender
    _sensor: SockSensor

    def go_silent(self, seconds: float) -> None:
        """Stay connected but send no data for `seconds` of data time; packets stay in memory."""
        self._sender.go_silent(seconds)

    def leave(self, seconds: float) -> None:
        """Be out of everybody's range: a link survives it if it is shorter than its supervision timeout."""
        self._sender.leave(seconds)

    def lose_next(self, n: int) -> None:
        """The next `n` data notifications are lost on the air; their packets stay in memory."""
        self._sender.lose_next(n)

    def corrupt_next(self, n: int) -> None:
        """The next `n` data notifications arrive damaged; in memory they are whole."""
        self._sender.corrupt_next(n)

    def duplicate_next(self, n: int) -> None:
        """The next `n` data notifications arrive twice."""
        self._sender.duplicate_next(n)

    def delay_next(self, n: int, seconds: float) -> None:
        """The next `n` data notifications arrive `seconds` late, overtaken by those after them."""
        self._sender.delay_next(n, seconds)

    def shrink_memory(self, packets: int) -> None:
        """Only this many packets fit from now on; the oldest are overwritten and counted as dropped."""
        self.memory.resize(packets)

    def stick_axis(self, axis: int, seconds: float) -> None:
        """An axis (0 to 5: acceleration x y z, angular rate x y z) repeats one value for `seconds`."""
        now_ns = self._clock.now_ns()
        self._sensor.stick_axis(axis, now_ns, now_ns + round(seconds * NS))

    def take_off(self, seconds: float) -> None:
        """It lies still beside the infant for `seconds`; it samples on."""
        now_ns = self._clock.now_ns()
        self._sensor.take_off(now_ns, now_ns + round(seconds * NS))

    def jump_clock(self, seconds: float) -> None:
        """The sensor clock jumps on (negative: back) within a boot; sampling goes on as before."""
        self._sensor.jump_clock(seconds)

    def swap_with(self, other: FaultsOnDemand) -> None:
        """Each is worn from now on where the other was; chips, clocks and addresses stay what they are."""
        swap_places(self._sensor, other._sensor, self._clock.now_ns())
