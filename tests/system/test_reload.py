"""SIGHUP: a changed configuration applies at once and costs nothing; a wrong one changes nothing."""

import signal

from tests.system.stage import Stage
from tests.system.waiting import until


async def test_a_reload_applies_the_new_file_and_keeps_alarms_and_readings(stage: Stage) -> None:
    _, _, listener, gateway = await stage.in_alarm()
    pid = gateway.child.pid
    text = gateway.config.read_text()
    gateway.config.write_text(text.replace('site = "A farm in a test"', 'site = "Another name"'))
    gateway.child.send_signal(signal.SIGHUP)
    await gateway.status_tells(lambda status: status["gateway"].get("site") == "Another name")
    await gateway.stores_more()
    assert gateway.child.pid == pid
    count, first, last = gateway.rows("SELECT count(*), min(seq), max(seq) FROM readings")[0]
    assert (count, first) == (last, 1)
    assert len(listener.events) == 2  # neither raised again nor cleared
    assert await gateway.stop() == 0


async def test_a_wrong_file_is_refused_with_every_mistake_while_the_old_goes_on(stage: Stage) -> None:
    gateway = stage.gateway(await stage.farm())
    gateway.start()
    await gateway.stores_more()
    text = gateway.config.read_text()
    gateway.config.write_text(
        text.replace('profile = "ysi-odo-ct"', 'profile = "none-such"').replace("size_mb = 64", "size_mb = -1")
    )
    gateway.child.send_signal(signal.SIGHUP)
    await until(lambda: "is refused" in gateway.said)
    assert "none-such" in gateway.said
    assert "size_mb" in gateway.said
    await gateway.stores_more()
    gateway.config.write_text(text.replace('state_dir = "state"', 'state_dir = "elsewhere"'))
    gateway.child.send_signal(signal.SIGHUP)
    await until(lambda: "takes a restart to change" in gateway.said)
    await gateway.stores_more()
    assert await gateway.stop() == 0
