"""Where Kafka and the registry are, and who we are there: from options, or the environment. Secrets come from files."""

import argparse
import os
from pathlib import Path
from typing import Any

from agent.domain.errors import AquaError
from agent.domain.secret import Secret
from cloud_sync.contract.registry import Registry


class SettingsError(AquaError):
    """A setting is missing or wrong; the message names it."""


def with_kafka(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The command speaks to Kafka: `kafka_settings` reads what is added here."""
    _option(parser, "--bootstrap", "AQUA_KAFKA_BOOTSTRAP", "HOST:PORT,…", "brokers to begin with")
    about = "properties of librdkafka, one `name=value` a line: security.protocol, sasl.*, ssl.*"
    _option(parser, "--security-file", "AQUA_KAFKA_SECURITY_FILE", "FILE", about)
    return parser


def with_registry(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The command speaks to the schema registry: `registry_settings` reads what is added here."""
    _option(parser, "--registry", "AQUA_REGISTRY_URL", "URL", "the schema registry, with the path to its /subjects")
    _option(
        parser, "--registry-user", "AQUA_REGISTRY_USER", "NAME", "who we are there; without it the secret is a token"
    )
    _option(parser, "--registry-secret-file", "AQUA_REGISTRY_SECRET_FILE", "FILE", "holds the password or the token")
    _option(
        parser, "--registry-ca-file", "AQUA_REGISTRY_CA_FILE", "FILE", "authorities (PEM) to trust instead of the usual"
    )
    return parser


def kafka_settings(options: argparse.Namespace) -> dict[str, Any]:
    """What a client of librdkafka is configured with. SettingsError."""
    if not options.bootstrap:
        raise SettingsError("which Kafka? Give --bootstrap HOST:PORT, or set AQUA_KAFKA_BOOTSTRAP")
    security = _properties(Path(options.security_file)) if options.security_file else {}
    return {**security, "bootstrap.servers": options.bootstrap, "client.id": "aqua-backend"}


def registry_settings(options: argparse.Namespace) -> Registry.Settings:
    """SettingsError."""
    if not options.registry:
        raise SettingsError("which schema registry? Give --registry URL, or set AQUA_REGISTRY_URL")
    secret = options.registry_secret_file
    try:
        return Registry.Settings(
            url=options.registry,
            user=options.registry_user or None,
            secret=Secret(_text(Path(secret)), str(secret)) if secret else None,
            ca_file=Path(options.registry_ca_file) if options.registry_ca_file else None,
        )
    except ValueError as error:
        raise SettingsError(str(error)) from error


def _option(parser: argparse.ArgumentParser, name: str, variable: str, metavar: str, about: str) -> None:
    parser.add_argument(name, default=os.environ.get(variable), metavar=metavar, help=f"{about} (default: {variable})")


def _properties(file: Path) -> dict[str, str]:
    """The values are never shown: passwords are among them."""
    found: dict[str, str] = {}
    for number, line in enumerate(_text(file).splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise SettingsError(f"{file}, line {number}: write name=value")
        found[name.strip()] = value.strip()
    return found


def _text(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} cannot be read: {error}") from error
    if not text:
        raise SettingsError(f"{file} is empty")
    return text
