"""What leaves the gateway for help: what is useful, and no secret of any kind, however wrong the configuration."""

import json
import os
import stat
import tarfile
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agent.__main__ import main
from agent.domain.secret import Secret
from agent.feed.settings import MqttSettings
from agent.support.redaction import REDACTED, scrubbed, secrets_in, without_secrets
from cloud_sync.uplink import SINKS, sink_class
from tests.agent.gateway_file import right, write

SECRET = 'Tr0ub4dor&3 "\\µ'  # noqa: S105


def bundle(folder: Path, *more: str) -> dict[str, str]:
    """Its files by name, made as a person makes it."""
    path = folder / "b.tar.gz"
    assert main(["support-bundle", "--config", str(folder / "gateway.toml"), "--output", str(path), *more]) == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with tarfile.open(path) as opened:
        files = {name.removeprefix("b/"): opened.extractfile(name) for name in opened.getnames()}
        return {name: file.read().decode() for name, file in files.items() if file is not None}


def kinds() -> list[tuple[str, str]]:
    """Every place in a configuration that takes a secret: the table, and the key."""
    found = [("mqtt", key) for key, hint in get_type_hints(MqttSettings).items() if Secret in get_args(hint)]
    for kind in SINKS:
        hints = get_type_hints(sink_class(kind).Settings)
        found += [(kind, key) for key, hint in hints.items() if Secret in (hint, *get_args(hint))]
    return found


def test_there_are_secrets_to_look_for() -> None:
    assert {"password", "api_key", "token", "key_password", "client_secret"} <= {key for _, key in kinds()}


@pytest.mark.parametrize(("table", "key"), kinds())
@pytest.mark.parametrize("where", ["file", "literal"])
def test_no_secret_of_any_kind_leaves(tmp_path: Path, table: str, key: str, where: str) -> None:
    value: Any = {"file": "s.secret"} if where == "file" else SECRET
    document = right()
    if table == "mqtt":
        document["mqtt"][key] = value
    else:
        document["sinks"]["x"] = {"kind": table, key: value}
    write(tmp_path, document)
    (tmp_path / "s.secret").write_text(SECRET + "\n")
    faults = tmp_path / "state" / "faults"
    faults.mkdir(parents=True)
    (faults / "000001-rs485.jsonl").write_text(json.dumps({"fault": f"said {SECRET}"}) + "\n")
    for name, text in bundle(tmp_path).items():
        for form in (SECRET, json.dumps(SECRET)[1:-1], json.dumps(SECRET, ensure_ascii=False)[1:-1], "Tr0ub4dor"):
            assert form not in text, name


def test_what_is_in_it_without_a_running_gateway(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, right())
    (tmp_path / "state").mkdir()
    files = bundle(tmp_path)
    assert json.loads(files["configuration.json"])["mqtt"]["password"] == {"file": "mqtt.secret"}
    assert json.loads(files["configuration.json"])["buses"] == right()["buses"]
    assert json.loads(files["versions.json"])["packages"]["aquacontrol-gateway"]
    assert json.loads(files["status.json"])["metrics"] is None
    assert "mqtt.secret" in files["files.txt"]
    assert "hunter2" not in "".join(files.values())
    contents = files["CONTENTS.txt"]
    assert "missing: the gateway does not run" in contents
    told = capsys.readouterr().out
    for line in contents.splitlines()[4:]:
        assert line in told


def test_a_wrong_configuration_is_told(tmp_path: Path) -> None:
    write(tmp_path, right() | {"nonsense": 1})
    files = bundle(tmp_path)
    assert "nonsense" in files["configuration-mistakes.txt"]
    assert "status.json" not in files
    assert "missing: the configuration is wrong" in files["CONTENTS.txt"]
    (tmp_path / "b.tar.gz").unlink()
    (tmp_path / "gateway.toml").write_text(f'[mqtt]\npassword = "{SECRET}\n')
    files = bundle(tmp_path)
    assert "Tr0ub4dor" not in "".join(files.values())
    assert "cannot be read as TOML" in files["CONTENTS.txt"]


def test_a_bundle_that_exists_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, right())
    (tmp_path / "b.tar.gz").write_text("precious")
    arguments = ["support-bundle", "--config", str(tmp_path / "gateway.toml"), "--output", str(tmp_path / "b.tar.gz")]
    assert main(arguments) == 1
    assert "choose another with --output" in capsys.readouterr().err
    assert (tmp_path / "b.tar.gz").read_text() == "precious"


def test_the_environment_and_credentials_hold_secrets_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = right()
    document["mqtt"]["password"] = {"credential": "mqtt"}
    write(tmp_path, document)
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "mqtt").write_text("c0rrect-horse\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    monkeypatch.setenv("AQUA_SINKS", json.dumps({"cloud": {"api_key": 'batt"ery', "url": "https://u:st4ple@x/"}}))
    monkeypatch.setenv("AQUA_GATEWAY__SITE", 'c0rrect-horse batt"ery st4ple')
    text = "".join(bundle(tmp_path).values())
    for secret in ("c0rrect-horse", 'batt"ery', 'batt\\"ery', "st4ple"):
        assert secret not in text
    assert os.environ["AQUA_GATEWAY__SITE"] not in text


KEYS = st.sampled_from(["password", "api_key", "registry_token", "client_secret", "Key_Password", "key"])
SECRETS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=6, max_size=40).filter(
    lambda text: text.strip() == text
)
OTHERS = st.sampled_from(["host", "url", "site", "kind", "unit", "name"])


@st.composite
def documents(draw: st.DrawFn) -> tuple[Any, str]:
    """Any document with a secret in it at a secret's place, and perhaps elsewhere, too."""
    secret = draw(SECRETS)
    inner: Any = {draw(KEYS): secret if draw(st.booleans()) else [secret, {"x": secret}]}
    for _ in range(draw(st.integers(0, 4))):
        other = draw(st.sampled_from(["text", 1, True, None, f"it says {secret}!", {"file": "a.secret"}]))
        inner = {draw(OTHERS): inner, draw(OTHERS) + "2": other} if draw(st.booleans()) else [inner, other]
    return inner, secret


@given(documents())
def test_wherever_a_secret_stands_it_is_found_and_taken_out(case: tuple[Any, str]) -> None:
    document, secret = case
    secrets = list(secrets_in(document))
    assert secret in secrets
    assume(secret not in json.dumps(sorted(_words(document)), ensure_ascii=False))
    texts = [scrubbed(text, secrets) for text in (json.dumps(document), str(document))]
    for left in (without_secrets(document, secrets), *texts):
        assert secret not in str(left)
        assert secret not in json.dumps(left, ensure_ascii=False)


def _words(document: Any) -> set[str]:
    """The keys: a secret that is one of them cannot be told from it."""
    if isinstance(document, dict):
        return set(document) | {word for value in document.values() for word in _words(value)}
    return {word for value in document for word in _words(value)} if isinstance(document, list) else set()


@given(SECRETS, st.sampled_from(["https", "mqtt", "postgresql"]))
def test_the_user_of_a_url_is_taken_out(secret: str, scheme: str) -> None:
    assume(not set(secret) & set("/?#@\"' \u00a0") and not any(c.isspace() for c in secret))
    assume(secret not in REDACTED + scheme)
    url = f"{scheme}://gateway:{secret}@host/path"
    assert secret in list(secrets_in({"url": url}))
    assert without_secrets({"url": url}) == {"url": f"{scheme}://{REDACTED}@host/path"}


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("mqtt password=hunter2 host=x", "mqtt password=(redacted) host=x"),
        ('{"api_key": "a\\"b", "host": "x"}', '{"api_key": (redacted), "host": "x"}'),
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer (redacted)"),
        ("token: 'x y' and more", "token: (redacted) and more"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nend", "(redacted)\nend"),
        ("do-1: no reply in 0.5 s on /dev/ttyUSB0, unit 7", "do-1: no reply in 0.5 s on /dev/ttyUSB0, unit 7"),
    ],
)
def test_what_looks_like_a_secret_in_a_log_is_taken_out(line: str, left: str) -> None:
    assert scrubbed(line) == left
