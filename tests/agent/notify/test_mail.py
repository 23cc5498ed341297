"""Alarms as letters, to a real SMTP server: encrypted, verified, several in one; and what a server can say to that."""

import ssl
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from agent.domain.alarm import Advice
from agent.domain.secret import Secret
from agent.notify import Mail, MailSettings, NotNow, Refused
from tests.agent.farm import alarm, change
from tests.agent.notify.mailbox import Mailbox

PLAIN = MailSettings("127.0.0.1", 0, "none", "gateway@farm.example", ("ana@farm.example", "bo@farm.example"))
ADVISED = replace(alarm(), advice=Advice("No air.", "Fish die.", "Go now."))


def letters_to(box: Mailbox, settings: MailSettings = PLAIN) -> Mail:
    return Mail(replace(settings, port=box.port), "gw")


async def test_a_letter_says_what_is_wrong_and_what_to_do() -> None:
    async with Mailbox() as box:
        await letters_to(box).send([change(7, which=ADVISED), change(8, active=False, which=ADVISED)])
    (letter,) = box.letters
    assert letter["Subject"] == "[gw] tank-1: DissolvedOxygen 5.80 mg/L is below 6 (and 1 more)"
    assert (letter["To"], letter["Message-ID"]) == ("ana@farm.example, bo@farm.example", "<8.gw@aquacontrol.invalid>")
    lines = letter.get_content().splitlines()
    assert lines[2:5] == ["Go now.", "No air. Fish die.", "alarm: tank-1/do-1/oxygen/low, critical, unacknowledged"]


async def test_a_message_cannot_add_a_header() -> None:
    wicked = replace(change(7), message="x\r\nBcc: thief@else.example\r\n\r\nhello \udcff")
    async with Mailbox() as box:
        await letters_to(box).send([wicked])
    assert box.letters[0]["Bcc"] is None
    assert box.letters[0]["Subject"] == "[gw] x Bcc: thief@else.example hello \\udcff"


async def test_starttls_is_verified_before_the_password_goes(tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    for name, ca in (("ca.pem", authority), ("stranger.pem", stranger)):
        ca.cert_pem.write_to_path(tmp_path / name)
    settings = replace(
        PLAIN,
        security="starttls",
        username="gw",
        password=Secret("hunter2", "a test"),
        ca_file=str(tmp_path / "ca.pem"),
    )
    async with Mailbox(tls) as box:
        await letters_to(box, settings).send([change(7)])
        assert (box.encrypted, box.logins) == ([True], 1)
        with pytest.raises(NotNow, match="certificate verify failed"):
            await letters_to(box, replace(settings, ca_file=str(tmp_path / "stranger.pem"))).send([change(8)])
        with pytest.raises(NotNow, match="does not accept username and password"):
            await letters_to(box, replace(settings, password=Secret("wrong", "a test"))).send([change(9)])
    assert (len(box.letters), box.logins) == (1, 1)


async def test_a_server_without_encryption_gets_nothing() -> None:
    async with Mailbox() as box:
        with pytest.raises(NotNow, match="STARTTLS"):
            await letters_to(box, replace(PLAIN, security="starttls")).send([change(7)])
    assert box.letters == []


@pytest.mark.parametrize(("says", "then"), [("450 busy", NotNow), ("550 nobody of that name", Refused)])
async def test_what_a_server_says_for_now_and_for_good(says: str, then: type[Exception]) -> None:
    async with Mailbox(refuses=says) as box:
        with pytest.raises(then, match=says):
            await letters_to(box).send([change(7)])


async def test_a_server_that_is_away_is_tried_again() -> None:
    with pytest.raises(NotNow, match=r"127\.0\.0\.1:1"):
        await Mail(replace(PLAIN, port=1), "gw").send([change(7)])
