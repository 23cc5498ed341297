# mypy: ignore-errors
"""Home Assistant without a screen, at the broker on that port of this machine: `house.py FOLDER BROKER_PORT PORT`.

Run by the Python that has Home Assistant, which is none of ours. Prints a token for its REST API when it is ready.
"""

import asyncio
import sys
from pathlib import Path

from homeassistant import bootstrap, runner

_CONFIGURATION = """
http:
  server_host: 127.0.0.1
  server_port: {port}
api:
"""


async def main(folder: Path, broker_port: int) -> None:
    hass = await bootstrap.async_setup_hass(runner.RuntimeConfig(config_dir=str(folder), skip_pip=True))
    await hass.async_start()
    if not hass.config_entries.async_entries("mqtt"):
        flow = await hass.config_entries.flow.async_init("mqtt", context={"source": "user"})
        where = {"broker": "127.0.0.1", "port": broker_port}
        flow = await hass.config_entries.flow.async_configure(flow["flow_id"], where)
        assert flow["type"] == "create_entry", flow
    user = await hass.auth.async_create_system_user("test", group_ids=["system-admin"])
    token = await hass.auth.async_create_refresh_token(user)
    print(hass.auth.async_create_access_token(token), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.mkdir(exist_ok=True)
    (place / "configuration.yaml").write_text(_CONFIGURATION.format(port=sys.argv[3]))
    asyncio.run(main(place, int(sys.argv[2])))
