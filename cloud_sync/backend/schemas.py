"""`aqua-backend schemas …`."""

import argparse

from cloud_sync.backend.settings import registry_settings, with_registry
from cloud_sync.contract.errors import UnknownSchema
from cloud_sync.contract.registry import COMPATIBILITY, Registry
from cloud_sync.contract.schemas import subject, topics_with_schema


def describe(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    register = commands.add_parser("register", help="register the present schemas, and what may follow them")
    with_registry(register).set_defaults(run=_register)
    check = commands.add_parser("check", help="tell which are not registered; exit status 1 if any is not")
    with_registry(check).set_defaults(run=_check)


def _register(options: argparse.Namespace) -> int:
    with Registry(registry_settings(options)) as registry:
        for topic in topics_with_schema():
            print(f"{subject(topic)}: schema {registry.register(topic)}, {COMPATIBILITY}")
    return 0


def _check(options: argparse.Namespace) -> int:
    wrong = 0
    with Registry(registry_settings(options)) as registry:
        for topic in topics_with_schema():
            try:
                schema_id = registry.id_of(topic)
            except UnknownSchema:
                print(f"{subject(topic)}: the present schema is not registered")
                wrong += 1
                continue
            level = registry.level(topic)
            if level != COMPATIBILITY:
                print(f"{subject(topic)}: schema {schema_id}, but its compatibility is {level}, not {COMPATIBILITY}")
                wrong += 1
            else:
                print(f"{subject(topic)}: schema {schema_id}, {COMPATIBILITY}")
    return 1 if wrong else 0
