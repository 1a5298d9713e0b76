"""Fixtures that every test may use."""

from __future__ import annotations

pytest_plugins = ["tests.servers_fixtures", "tests.wire_checks", "tests.ledger_checks"]
