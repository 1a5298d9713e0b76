"""Whose sensors there are: light to import, so that settings can be read without a Bluetooth library."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Kind"]


class Kind(StrEnum):
    """Whose sensor it is."""

    SOCK = "sock"
    """our own profile (docs/sock-profile.md): keeps what was not confirmed"""
    MOVESENSE = "movesense"
    """six axes at 52 Hz; what the radio loses is lost"""
    POLAR = "polar"
    """Verity Sense and OH1, acceleration and, where there is, angular rate at 52 Hz; what the radio loses is lost"""
    OSD = "osd"
    """watches with OpenSeizureDetector's BLE data source: acceleration at 25 Hz; what the radio loses is lost"""
