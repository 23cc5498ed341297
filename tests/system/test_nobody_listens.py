"""The running gateway can be reached by nobody on the network, and by nobody at all but through its own socket."""

import stat
from pathlib import Path

from tests.services.service import free_port
from tests.system.stage import Stage
from tests.system.waiting import until

_LISTEN = "0A"  # of /proc/net/tcp: include/net/tcp_states.h
_LOOPBACK = {"0100007F", "00000000000000000000000001000000"}


def sockets(pid: int) -> set[str]:
    """The inodes of the process's sockets."""
    found = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(file.readlink())
        except FileNotFoundError:  # closed since the folder was read
            continue
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found


def open_ports(pid: int) -> dict[str, list[str]]:
    """By table of the kernel, the addresses (hexadecimal) at which the process takes what comes from outside."""
    own, found = sockets(pid), {}
    for table in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        rows = [line.split() for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]]
        found[table] = [
            local
            for _, local, remote, state, *_, inode in ([*row[:4], row[9]] for row in rows)
            if inode in own and (state == _LISTEN if "tcp" in table else remote.endswith(":0000"))
        ]
    return {table: addresses for table, addresses in found.items() if addresses}


async def test_no_port_listens_by_default(stage: Stage) -> None:
    farm = await stage.farm()
    broker = await stage.broker()
    gateway = stage.gateway(farm, broker.port, sinks="archive cloud")
    gateway.start()
    await gateway.stores_more()
    assert len(sockets(gateway.child.pid)) > 3  # the broker, the line on TCP, its own: so they are seen
    assert open_ports(gateway.child.pid) == {}
    own = stage.folder / "state" / "gateway.sock"
    assert stat.S_IMODE(own.stat().st_mode) == 0o660


async def test_prometheus_is_served_on_this_machine_only(stage: Stage) -> None:
    port = free_port()
    farm = await stage.farm()
    gateway = stage.gateway(farm, None, f'[metrics]\nlisten = "127.0.0.1:{port}"\n')
    gateway.start()
    await until(lambda: bool(gateway.child.poll() is None and open_ports(gateway.child.pid)), what="it listens")
    ((table, (address,)),) = open_ports(gateway.child.pid).items()
    host, _, listening = address.partition(":")
    assert (table, int(listening, 16)) == ("tcp", port)
    assert host in _LOOPBACK
