"""A small MQTT broker for a demonstration on a machine that has none; a farm in production uses Mosquitto.

Listens on 127.0.0.1 only, lets everybody in, keeps nothing over a restart.
"""

import logging
import socket
from types import TracebackType
from typing import Any, Self

HOST = "127.0.0.1"


class Broker:
    """`async with Broker(1883) as broker:`; `serving` tells whether it had to serve, or somebody else already does.

    amqtt is imported when the broker starts.
    """

    def __init__(self, port: int = 1883) -> None:
        self.port = port
        self.serving = False
        self._broker: Any = None

    async def __aenter__(self) -> Self:
        if _is_free(self.port):
            from amqtt.broker import Broker as AmqttBroker

            logging.getLogger("amqtt").setLevel(logging.CRITICAL)
            logging.getLogger("transitions").setLevel(logging.CRITICAL)
            self._broker = AmqttBroker(_settings(self.port))
            await self._broker.start()
            self.serving = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._broker is not None:
            await self._broker.shutdown()
        self._broker, self.serving = None, False


def _settings(port: int) -> dict[str, Any]:
    return {
        "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}", "max_connections": 50}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }


def _is_free(port: int) -> bool:
    # asked by binding, since amqtt leaks a connection that ends before it has said CONNECT
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((HOST, port))
        except OSError:
            return False
    return True
