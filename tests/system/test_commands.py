"""The command line as a technician uses it, beside a running gateway and without one."""

import asyncio
import csv
import io
import json
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from typing import Any

from simulators.ingest import Misbehaviour
from tests.system.deliveries import all_is_delivered
from tests.system.processes import ROOT, Gateway, ran
from tests.system.stage import Stage, ingest
from tests.system.waiting import until


async def test_read_once_says_by_its_exit_status_whether_every_sensor_answered(stage: Stage) -> None:
    farm = await stage.farm()
    gateway = stage.gateway(farm)
    well = await gateway.command("read-once")
    assert (well.returncode, well.stderr) == (0, "")
    assert len(well.stdout.splitlines()) == len(set(well.stdout.splitlines())) > 6
    farm.twin("ph-1").faults.silence = True
    await farm.line("lan").unplug()
    ill = await gateway.command("read-once")
    assert ill.returncode == 1
    lines = ill.stdout.splitlines()
    assert all("no value: no reply" in line for line in lines if "/ph-1/" in line)
    assert all("connection refused" in line for line in lines if "/odo-2/" in line)
    assert not any("no value" in line for line in lines if "/do-1/" in line)
    assert not gateway.database.exists()


async def test_every_mistake_is_told_at_once_and_nothing_is_opened(stage: Stage) -> None:
    farm = await stage.farm()
    gateway = stage.gateway(farm, sinks="archive cloud")
    right = await gateway.command("check-config")
    assert (right.returncode, right.stderr) == (0, "")
    (stage.folder / "ingest.secret").unlink()
    text = gateway.config.read_text()
    text = text.replace("commit_s", "comit_s").replace("unit = 2", "unit = 1").replace("ysi-odo-ct", "ysi")
    gateway.config.write_text(text.replace("low = 6.0", "low = 3.0"))
    checked = await gateway.command("check-config")
    gateway.start()
    assert checked.returncode == await gateway.ended() == 2
    assert checked.stdout == ""
    for complaint in ("comit_s", "has the same address", "ysi-odo-ct", "must be below", "ingest.secret"):
        assert complaint in checked.stderr
        assert complaint in gateway.said
    assert {path.name for path in stage.folder.iterdir()} == {
        "farm.toml", "gateway.toml", "gateway.log", "ttyRS485",
    }  # fmt: skip


async def test_status_says_by_its_exit_status_whether_the_gateway_runs(stage: Stage) -> None:
    farm = await stage.farm()
    gateway = stage.gateway(farm, sinks="archive cloud")
    gateway.start()
    await gateway.stores_more()
    running = await gateway.command("status", "--json")
    assert running.returncode == 0
    told = json.loads(running.stdout)
    assert (told["gateway"]["state"], told["gateway"]["store"]["trouble"]) == ("running", None)
    assert {row["probe"] for row in told["readings"]} == {"do-1", "ph-1", "odo-2"}
    assert {row["sink"] for row in told["sinks"]} == {"archive", "cloud"}
    shown = await gateway.command("status")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "is running" in shown.stdout

    buses = {bus["name"]: bus for bus in told["metrics"]["buses"]}
    assert min(bus["polls"] for bus in buses.values()) > 0
    assert {bus["up"] for bus in buses.values()} == {True}
    metrics = await gateway.command("metrics")
    assert (metrics.returncode, metrics.stderr) == (0, "")
    assert 'aqua_bus_polls_total{bus="rs485"}' in metrics.stdout
    assert json.loads((await gateway.command("metrics", "--json")).stdout)["store"]["state"] == "ok"

    bundle = await ran(gateway, "support-bundle", "--output", str(stage.folder / "b.tar.gz"))
    assert (bundle.returncode, bundle.stderr) == (0, "")
    with tarfile.open(stage.folder / "b.tar.gz") as opened:
        assert {"b/metrics.txt", "b/status.json", "b/buffer.json"} <= set(opened.getnames())

    gateway.kill()
    assert (await gateway.command("metrics")).returncode == 3
    dead = await gateway.command("status", "--json")
    assert (dead.returncode, json.loads(dead.stdout)["gateway"]["state"]) == (3, "dead")
    assert json.loads(dead.stdout)["metrics"] is None
    gateway.start()
    await gateway.stores_more()
    assert await gateway.stop() == 0
    stopped = await gateway.command("status", "--json")
    assert (stopped.returncode, json.loads(stopped.stdout)["gateway"]["state"]) == (3, "stopped")


async def test_a_calibration_is_logged_for_good_and_status_says_how_probes_do(stage: Stage) -> None:
    gateway = stage.gateway(await stage.farm())
    gateway.start()
    await gateway.stores_more()
    calibrated = await ran(gateway, "probe", "calibrated", "ph-1", "--cap", "--by", "Ana", "--note", "zero was −3 mV")
    assert (calibrated.returncode, calibrated.stderr) == (0, "")
    assert "calibrated, with a new cap" in calibrated.stdout
    probes: list[dict[str, str]] = []
    while not probes:  # the first report comes after seconds
        probes = json.loads((await gateway.command("status", "--json")).stdout)["probes"]
    assert {(one["tank"], one["probe"], one["state"]) for one in probes} == {
        ("tank-1", "do-1", "unknown"), ("tank-1", "ph-1", "unknown"), ("tank-2", "odo-2", "unknown"),
    }  # fmt: skip
    gateway.kill()
    log = json.loads((await ran(gateway, "probe", "log", "ph-1", "--json")).stdout)["entries"]
    assert [(entry["by"], entry["cap"], entry["note"]) for entry in log] == [("Ana", True, "zero was −3 mV")]
    assert "zero was" in (await ran(gateway, "probe", "log")).stdout


async def test_status_of_a_gateway_that_never_ran_says_that_it_does_not_run(stage: Stage) -> None:
    gateway = stage.gateway(await stage.farm())
    never = await gateway.command("status")
    assert never.returncode == 3
    assert "never run" in never.stdout + never.stderr


async def test_export_writes_a_range_of_time_while_the_gateway_runs(stage: Stage) -> None:
    gateway = stage.gateway(await stage.farm())
    gateway.start()
    await gateway.stores_more(60)
    times = [time for (time,) in gateway.rows("SELECT time_utc FROM reading ORDER BY seq")]
    begin, end = sorted(times)[10], sorted(times)[40]
    expected = [time for time in times if begin <= time < end]
    for form in ("csv", "jsonl"):
        done = await buffer(gateway, "export", "--from", begin, "--to", end, "--format", form)
        assert (done.returncode, done.stderr) == (0, f"{len(expected)} readings\n")
        assert [row["time_utc"] for row in rows(done.stdout, form)] == expected


async def test_export_never_writes_over_a_file(stage: Stage) -> None:
    gateway = stage.gateway(await stage.farm())
    gateway.start()
    await gateway.stores_more()
    file = stage.folder / "readings.csv"
    assert (await buffer(gateway, "export", "--output", str(file))).returncode == 0
    before = file.read_text()
    refused = await buffer(gateway, "export", "--output", str(file))
    assert (refused.returncode, file.read_text()) == (1, before)
    assert "exists already" in refused.stderr


async def buffer(gateway: Gateway, name: str, *options: str) -> subprocess.CompletedProcess[str]:
    """`aqua-gateway buffer …`, as a process of its own."""
    config = ["--config"] if name == "replay" else []
    command = [sys.executable, "-m", "agent", "buffer", name, *options, *config, str(gateway.config)]
    return await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, text=True, timeout=30)


async def dead_letters(gateway: Gateway) -> list[dict[str, Any]]:
    letters: list[dict[str, Any]] = json.loads((await buffer(gateway, "dead-letters", "--json")).stdout)
    return letters


async def test_a_refused_reading_is_shown_and_delivered_after_the_ingest_is_mended(stage: Stage) -> None:
    farm = await stage.farm()
    cloud = ingest(farm)
    cloud.misbehave = Misbehaviour(
        reject=lambda record: "no such sensor" if record.get("metadata", {}).get("sequence") in (15, 17) else None
    )
    gateway = stage.gateway(farm, sinks="archive cloud")
    gateway.start()
    await gateway.stores_more(40)
    await until(lambda: len(gateway.rows("SELECT id FROM dead_letters")) == 2)
    first, second = await dead_letters(gateway)
    assert (first["sink"], first["stream"], first["seq"], first["because"]) == (
        "cloud", "readings", 15, "no such sensor",
    )  # fmt: skip
    assert gateway.rows("SELECT time_utc FROM reading WHERE seq = 15") == [(first["time_utc"],)]
    shown = await buffer(gateway, "dead-letters")
    assert (shown.returncode, shown.stdout.count("no such sensor")) == (0, 2)

    cloud.misbehave = Misbehaviour()
    asked = await buffer(gateway, "replay", "cloud", str(first["number"]))
    assert (asked.returncode, asked.stdout) == (0, "1 dead letters of cloud will be offered again within seconds.\n")
    await until(lambda: 15 in sequences(cloud.records))
    await until(lambda: len(gateway.rows("SELECT id FROM dead_letters")) == 1)
    assert [letter["number"] for letter in await dead_letters(gateway)] == [second["number"]]

    assert await gateway.stop() == 0
    asked = await buffer(gateway, "replay", "cloud", "--all")
    assert asked.stdout == "1 dead letters of cloud will be offered again when the gateway runs again.\n"
    assert 17 not in sequences(cloud.records)
    gateway.start()
    await until(lambda: 17 in sequences(cloud.records))
    await gateway.stores_more()
    await all_is_delivered(gateway, lambda: cloud.records)
    assert await dead_letters(gateway) == []
    assert list((stage.folder / "state" / "requests").iterdir()) == []


def sequences(records: list[Any]) -> set[int]:
    return {record["metadata"]["sequence"] for record in records if "sensor_type" in record}


async def test_the_ring_buffer_is_verified_while_it_is_written_and_after_the_gateway_was_killed(stage: Stage) -> None:
    gateway = stage.gateway(await stage.farm(), sinks="archive cloud")
    gateway.start()
    await gateway.stores_more(60)
    for _ in range(3):
        verified = await buffer(gateway, "verify", "--json")
        assert (verified.returncode, verified.stderr) == (0, "")
        await gateway.stores_more()
    gateway.kill()
    verified = await buffer(gateway, "verify")
    assert (verified.returncode, verified.stderr) == (0, "")
    assert "Every row is as it was written" in verified.stdout
    status = json.loads((await buffer(gateway, "status", "--json")).stdout)
    assert status["readings"]["held"] == gateway.stored()
    assert {row["sink"] for row in status["sinks"]} == {"archive", "cloud", "mqtt"}

    with closing(sqlite3.connect(gateway.database)) as database:
        database.execute(
            "UPDATE readings SET value = value + 1 WHERE seq = (SELECT max(seq) FROM readings WHERE value > 0)"
        )
        database.commit()
    verified = await buffer(gateway, "verify")
    assert verified.returncode == 1
    assert "its checksum is wrong" in verified.stdout


def rows(text: str, form: str) -> list[dict[str, str]]:
    if form == "csv":
        return list(csv.DictReader(io.StringIO(text)))
    return [json.loads(line) for line in text.splitlines()]
