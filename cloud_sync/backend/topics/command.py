"""`aqua-backend topics …`."""

import argparse
import os

from cloud_sync.backend.settings import kafka_settings, with_kafka
from cloud_sync.contract.topics import TOPICS

_REPLICATION = "AQUA_KAFKA_REPLICATION"


def describe(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    apply = commands.add_parser("apply", help="make topics that are missing, and set right those that are there")
    check = commands.add_parser("check", help="tell what is not as it should be; exit status 1 if anything is")
    for command, run in ((apply, _apply), (check, _check)):
        with_kafka(command).set_defaults(run=run)
        command.add_argument(
            "--replication",
            type=_replicas,
            default=os.environ.get(_REPLICATION, "3"),
            metavar="N",
            help=f"replicas of a partition; 1 on a laptop (default: {_REPLICATION}, or 3)",
        )


def _apply(options: argparse.Namespace) -> int:
    """1 when something is left that nobody can do for a cluster from outside, such as to move replicas."""
    from cloud_sync.backend.topics.cluster import Cluster

    cluster = Cluster(kafka_settings(options), options.replication)
    differences = cluster.differences(TOPICS)
    for difference in differences:
        for done in cluster.mend(difference):
            print(done)
    cluster.settle(TOPICS)
    if not differences:
        print(f"{len(TOPICS)} topics are as they should be")
    left = [difference for difference in differences if difference.replicas is not None]
    for difference in left:
        print(
            f"{difference.topic.name}: replicas are still {difference.replicas} and should be {options.replication}; "
            "move them with kafka-reassign-partitions.sh"
        )
    return 1 if left else 0


def _check(options: argparse.Namespace) -> int:
    from cloud_sync.backend.topics.cluster import Cluster

    differences = Cluster(kafka_settings(options), options.replication).differences(TOPICS)
    for difference in differences:
        for line in difference:
            print(line)
    if not differences:
        print(f"{len(TOPICS)} topics are as they should be")
    return 1 if differences else 0


def _replicas(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 9:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and 9")
    return number
