"""Real servers on loopback, with their own folders and ports, for tests and the demo.

Each server is a context manager; it is asked to end, then made to, and the kernel ends it when this process
dies. Start one from a thread that lives as long as the server should: Linux counts that thread as the parent.
"""

from __future__ import annotations

from lullwatch.local_brokers import BrokerThreadError, LocalAmqtt, LocalMosquitto, local_broker
from lullwatch.local_influx import InfluxQueryError, LocalInflux
from lullwatch.programs import INFLUXD, MOSQUITTO, Found, Missing, Program, find, obtain
from lullwatch.server_process import ServerMissingError, ServerNotAnsweringError, ServerProcess, free_port

__all__ = [
    "INFLUXD",
    "MOSQUITTO",
    "BrokerThreadError",
    "Found",
    "InfluxQueryError",
    "LocalAmqtt",
    "LocalInflux",
    "LocalMosquitto",
    "Missing",
    "Program",
    "ServerMissingError",
    "ServerNotAnsweringError",
    "ServerProcess",
    "find",
    "free_port",
    "local_broker",
    "obtain",
]
