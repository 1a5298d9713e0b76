"""The v2-write door: an unmodified influxdb-client writes into a real InfluxDB 1.6."""

import asyncio
import json
import urllib.error
import urllib.request

import pytest
from influxdb_client import InfluxDBClient, Point, WritePrecision
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from tests.servers_fixtures import Influx

SECOND_NS = 1_700_000_000_000_000_000
STEPS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}


def write(
    influx: Influx, record: object, *, precision: str = "ns", bucket: str = "", gzip: bool = False
) -> None:
    with InfluxDBClient(influx.url, token=influx.token, org=influx.org, enable_gzip=gzip) as client:
        api = client.write_api(write_options=SYNCHRONOUS)
        api.write(bucket or influx.bucket, record=record, write_precision=precision)


@pytest.mark.parametrize("gzip", [False, True])
@pytest.mark.parametrize("precision", list(STEPS))
def test_a_time_at_any_precision_is_stored_as_it_was_meant(
    influx: Influx, precision: str, gzip: bool
) -> None:
    write(influx, f"m v=1i {SECOND_NS // STEPS[precision]}", precision=precision, gzip=gzip)
    assert influx.query("SELECT v FROM m") == [{"name": "m", "time": SECOND_NS, "v": 1}]


def test_points_with_fields_of_every_type_come_back(influx: Influx) -> None:
    point = Point("m").tag("site", "LA").field("i", 7).field("f", 0.5).field("b", True).field("s", 'a "b" \\')
    write(influx, point.time(SECOND_NS, WritePrecision.NS))
    [row] = influx.query("SELECT * FROM m")
    assert row == {"name": "m", "time": SECOND_NS, "site": "LA", "i": 7, "f": 0.5, "b": True, "s": 'a "b" \\'}


def test_the_same_row_twice_is_one_point(influx: Influx) -> None:
    write(influx, "m v=1i 5")
    write(influx, "m v=1i 5")
    assert len(influx.query("SELECT v FROM m")) == 1


def test_a_body_of_more_than_a_mebibyte_passes(influx: Influx) -> None:
    lines = [f"m,site=LA v={i}i {SECOND_NS + i}" for i in range(40_000)]
    assert len("\n".join(lines)) > 2**20
    write(influx, lines)
    assert influx.query("SELECT count(v) AS n FROM m")[0]["n"] == len(lines)


def test_the_client_finds_the_server_healthy(influx: Influx) -> None:
    with InfluxDBClient(influx.url, token=influx.token, org=influx.org) as client:
        assert client.ping()
        assert client.version().startswith("1.")
    with urllib.request.urlopen(f"{influx.url}/health") as answer:
        assert json.load(answer)["status"] == "pass"


def refused(
    influx: Influx, record: str, *, token: str = "", bucket: str = "", precision: str = "ns"
) -> ApiException:
    with InfluxDBClient(influx.url, token=token or influx.token, org=influx.org) as client:
        api = client.write_api(write_options=SYNCHRONOUS)
        with pytest.raises(ApiException) as caught:
            api.write(bucket or influx.bucket, record=record, write_precision=precision)
    return caught.value


def test_a_field_that_changes_its_type_is_unprocessable(influx: Influx) -> None:
    write(influx, "m v=1i 1")
    error = refused(influx, 'm v="text" 2')
    assert error.status == 422
    assert "partial write" in json.loads(error.body)["message"]


def test_an_unknown_bucket_is_not_found(influx: Influx) -> None:
    error = refused(influx, "m v=1i 1", bucket="nowhere")
    assert (error.status, json.loads(error.body)["code"]) == (404, "not found")


@pytest.mark.parametrize("token", ["admin:wrong", "no-colon-at-all"])
def test_a_bad_token_is_unauthorized(influx: Influx, token: str) -> None:
    error = refused(influx, "m v=1i 1", token=token)
    assert (error.status, json.loads(error.body)["code"]) == (401, "unauthorized")


def test_a_malformed_line_is_invalid_and_the_good_ones_are_stored(influx: Influx) -> None:
    error = refused(influx, "m v=1i 1\nthis is no line\nm v=2i 2")
    assert error.status in (400, 422)
    assert [row["v"] for row in influx.query("SELECT v FROM m")] == [1, 2]


def test_an_unknown_precision_never_reaches_the_engine(influx: Influx) -> None:
    assert refused(influx, "m v=1i 1", precision="minutes").status == 400
    assert influx.query("SELECT v FROM m") == []


def test_a_query_with_a_v2_token_passes_and_is_csv_where_asked(influx: Influx) -> None:
    write(influx, "m v=1i 5")
    request = urllib.request.Request(
        f"{influx.url}/query?db={influx.bucket}&epoch=ns&q=SELECT%20v%20FROM%20m",
        headers={"Authorization": f"Token {influx.token}", "Accept": "application/csv"},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.read().decode() == "name,tags,time,v\nm,,5,1\n"


def test_an_engine_that_is_away_is_503_with_a_time_to_come_back(own_influx: Influx) -> None:
    own_influx.server.stop_engine()
    error = refused(own_influx, "m v=1i 1")
    assert (error.status, error.headers["Retry-After"]) == (503, "1")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{own_influx.url}/health")
    caught.value.close()
    assert caught.value.code == 503
    own_influx.server.start_engine()
    write(own_influx, "m v=1i 1")
    assert len(own_influx.query("SELECT v FROM m")) == 1


async def test_the_asynchronous_client_writes_too(influx: Influx) -> None:
    from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync

    async with InfluxDBClientAsync(influx.url, token=influx.token, org=influx.org) as client:
        assert await client.write_api().write(influx.bucket, record=b"m v=3i 9")
    rows = await asyncio.to_thread(influx.query, "SELECT v FROM m")
    assert [row["v"] for row in rows] == [3]
