"""`aqua-gateway init` at a terminal, with probes on a line: from the first question to values of every probe."""

from agent import config
from tests.system.processes import Gateway
from tests.system.stage import Stage
from tests.system.terminal import terminal


async def test_a_few_answers_make_a_configuration_with_which_every_probe_answers(stage: Stage) -> None:
    await stage.farm()
    file, line = stage.folder / "begun.toml", stage.folder / "ttyRS485"
    with terminal("init", "--config", str(file), "--units", "1-2", "--bauds", "9600") as person:
        await person.answers("Name of this gateway [", "hall 1")
        await person.shows("letters, digits, - and _ only")
        await person.answers("Name of this gateway [", "hall-1")
        await person.answers("Name of the farm [hall-1]", "Fjord & Søn")
        await person.answers("Tanks, by commas [tank-1]", "tank-1, tank-2")
        await person.answers("Species [1]", "2")
        await person.answers("Species [2]")
        await person.answers("Line [", str(line))
        await person.answers("Look for probes on it? (y/n) [y]")
        await person.shows("2 found")
        await person.answers("Which is it? [1]")
        await person.answers("Name of this probe [do-1]")
        await person.answers("In which tank? [1]", "2")
        await person.answers("Which is it? [1]")
        await person.answers("Name of this probe [ph-1]")
        await person.answers("In which tank? [2]")
        await person.answers("Add a probe by hand? (y/n) [n]")
        await person.answers("Another line? (y/n) [n]")
        await person.answers("MQTT broker for the alarms [127.0.0.1:1883]")
        await person.answers("Daily files of all readings here, too? (y/n) [n]", "y")
        assert not file.exists()
        await person.answers("(y/n) [y]")
        await person.shows("Next:")
        assert await person.ended() == 0
    begun = config.load(file)
    assert (begun.gateway_id, begun.site) == ("hall-1", "Fjord & Søn")
    assert [(probe.tank.name, probe.name, probe.profile, probe.unit) for probe in begun.probes] == [
        ("tank-2", "do-1", "renke-rs-ldo-n01", 1),
        ("tank-2", "ph-1", "seeed-s-ph-01", 2),
    ]
    assert [sink.kind for sink in begun.sinks] == ["archive"]
    gateway = stage.process(Gateway(stage.folder, file.read_text()))
    assert (await gateway.command("read-once")).returncode == 0


async def test_ctrl_c_leaves_everything_as_it_was(stage: Stage) -> None:
    file = stage.folder / "begun.toml"
    before = sorted(stage.folder.iterdir())
    with terminal("init", "--config", str(file)) as person:
        await person.answers("Name of this gateway [")
        await person.shows("Name of the farm [")
        person.types("\x03")
        await person.shows("Nothing was written.")
        assert await person.ended() == 1
    assert sorted(stage.folder.iterdir()) == before
