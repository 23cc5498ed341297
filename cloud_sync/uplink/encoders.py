"""The Avro writers of the topics, each made when its topic is first sent: its schema's id is the registry's to know."""

from dataclasses import dataclass
from pathlib import Path

from agent.domain.errors import SinkMisconfigured, SinkUnavailable
from agent.domain.secret import Secret
from cloud_sync.contract.encoding import Encoder
from cloud_sync.contract.errors import RegistryRefuses, RegistryUnavailable, UnknownSchema
from cloud_sync.contract.registry import Registry
from cloud_sync.uplink.own_thread import OwnThread

_ANSWERS_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryKeys:
    """The keys of a sink's table that say where the schema registry is."""

    registry_url: str | None = None
    registry_user: str | None = None
    registry_password: Secret | None = None
    registry_token: Secret | None = None
    registry_ca_file: Path | None = None

    def registry(self) -> Registry.Settings:
        """Raises ValueError in the words of the file."""
        if self.registry_url is None:
            raise ValueError("registry_url is missing: the schema registry that gives each topic's schema its number")
        if self.registry_token is not None and self.registry_user is not None:
            raise ValueError("registry_user and registry_token are two ways to say who we are; choose one")
        if (self.registry_user is None) != (self.registry_password is None):
            raise ValueError("registry_user and registry_password go together")
        secret = self.registry_token or self.registry_password
        return Registry.Settings(
            self.registry_url, self.registry_user, secret, self.registry_ca_file, timeout_s=_ANSWERS_WITHIN_S
        )


class Encoders:
    """Those that were asked for are kept: what an id stands for never changes."""

    def __init__(self, settings: Registry.Settings) -> None:
        self._settings = settings
        self._thread = OwnThread(f"the question to {settings.url}")
        self._known: dict[str, Encoder] = {}

    def __contains__(self, topic: str) -> bool:
        return topic in self._known

    def __getitem__(self, topic: str) -> Encoder:
        """KeyError before `learn`."""
        return self._known[topic]

    async def learn(self, topic: str) -> None:
        """Raises UnknownSchema (the other topics are none the worse), SinkUnavailable and SinkMisconfigured."""
        if topic not in self._known:
            self._known[topic] = await self._thread.run(lambda: self._made(topic))

    def _made(self, topic: str) -> Encoder:
        try:
            with Registry(self._settings) as registry:
                return Encoder(topic, registry.id_of(topic))
        except RegistryUnavailable as error:
            raise SinkUnavailable(f"the schema registry: {error}") from error
        except UnknownSchema:
            raise
        except RegistryRefuses as error:
            raise SinkMisconfigured(f"the schema registry: {error}") from error
