"""What the running gateway answers to those who look at its buses: `bus trace` and `probe read`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from agent.config import Gateway
from agent.control import Answer
from agent.domain.clock import Clock
from agent.domain.errors import AquaError
from agent.flight_recorder import FlightRecorder, to_json
from agent.polling import BusLoop
from agent.probe_look import look, named
from drivers import profile


def bus_answers(
    gateway: Gateway, loops: Sequence[BusLoop], recorders: Mapping[str, FlightRecorder], clock: Clock
) -> Mapping[str, Answer]:
    """`recorders` by the name of the bus."""
    turns = {probe: (loop, turn.driver) for loop in loops for turn in loop.turns for probe in turn.probes}

    async def trace(details: Mapping[str, Any]) -> AsyncIterator[Any]:
        """First what both clocks show, then every frame on the bus `bus`."""
        recorder = recorders.get(details.get("bus", ""))
        if recorder is None:
            raise AquaError(f"this gateway has no bus {details.get('bus')!r}: was it started with this configuration?")
        now = clock.now()
        yield {"utc_us": now.utc_us, "boot_s": now.boot_s}
        async for frame in recorder.follow():
            yield to_json(frame)

    async def probe_read(details: Mapping[str, Any]) -> AsyncIterator[Any]:
        """One look at the probe `probe`, with the gateway's own driver, between two of its turns."""
        probe = named(gateway.probes, str(details.get("probe")))
        loop, driver = turns[probe]
        model = profile(probe.profile, gateway.profiles_dir)
        async with loop.asking:
            seen = await look(probe, model, driver, loop.bus, recorders[probe.bus], clock)
        yield seen

    return {"bus trace": trace, "probe read": probe_read}
