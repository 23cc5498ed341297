"""The command line as a technician uses it, beside a running gateway and without one."""

import csv
import io
import json

from tests.system.stage import Stage


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

    gateway.kill()
    dead = await gateway.command("status", "--json")
    assert (dead.returncode, json.loads(dead.stdout)["gateway"]["state"]) == (3, "dead")
    gateway.start()
    await gateway.stores_more()
    assert await gateway.stop() == 0
    stopped = await gateway.command("status", "--json")
    assert (stopped.returncode, json.loads(stopped.stdout)["gateway"]["state"]) == (3, "stopped")


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
        done = await gateway.command("export", "--from", begin, "--to", end, "--format", form)
        assert (done.returncode, done.stderr) == (0, f"{len(expected)} readings\n")
        assert [row["time_utc"] for row in rows(done.stdout, form)] == expected


async def test_export_never_writes_over_a_file(stage: Stage) -> None:
    gateway = stage.gateway(await stage.farm())
    gateway.start()
    await gateway.stores_more()
    file = stage.folder / "readings.csv"
    assert (await gateway.command("export", "--output", str(file))).returncode == 0
    before = file.read_text()
    refused = await gateway.command("export", "--output", str(file))
    assert (refused.returncode, file.read_text()) == (1, before)
    assert "exists already" in refused.stderr


def rows(text: str, form: str) -> list[dict[str, str]]:
    if form == "csv":
        return list(csv.DictReader(io.StringIO(text)))
    return [json.loads(line) for line in text.splitlines()]
