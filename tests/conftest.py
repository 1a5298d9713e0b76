"""Fixtures that every test may use."""

from __future__ import annotations

from hypothesis import settings

pytest_plugins = ["tests.servers_fixtures", "tests.wire_checks", "tests.ledger_checks"]

# How long an example takes says how busy the machine is, and whether its loop was just compiled.
settings.register_profile("any_machine", deadline=None)
settings.load_profile("any_machine")
