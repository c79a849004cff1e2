"""Settings: what a person writes on the command line or in the environment, and what comes of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from comfyui_bridge import settings
from comfyui_bridge.settings import Settings


def refusal(capsys: pytest.CaptureFixture[str], *argv: str, **environ: str) -> str:
    """The sentence that these arguments and variables are refused with."""
    with pytest.raises(SystemExit) as refused:
        settings.parse(argv, environ)
    assert refused.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    return printed.err


def test_nothing_said_means_a_sandbox_on_the_loopback() -> None:
    got = settings.parse([], {})
    assert (got.host, got.port, got.servers, got.wants_sandbox) == ("127.0.0.1", 7860, (), True)
    assert (got.share, got.auth, got.token) == (False, None, "")


def test_every_flag_is_read(tmp_path: Path) -> None:
    auth = tmp_path / "accounts"
    auth.write_text("")
    argv = ["--host", "0.0.0.0", "--port", "0", "--server", "http://a:8188", "--server", "https://b/x/api"]
    argv += ["--workflows", str(tmp_path), "--data", str(tmp_path / "data"), "--sandbox", "--share"]
    argv += ["--max-waiting", "7", "--keep-gb", "2.5", "--keep-days", "30"]
    got = settings.parse([*argv, "--auth", str(auth)], {})
    assert got == Settings(
        host="0.0.0.0",
        port=0,
        servers=("http://a:8188", "https://b/x/api"),
        workflows=tmp_path,
        data=tmp_path / "data",
        sandbox=True,
        share=True,
        auth=auth,
        max_waiting=7,
        keep_gb=2.5,
        keep_days=30.0,
    )


def test_every_flag_has_a_variable(tmp_path: Path) -> None:
    auth = tmp_path / "accounts"
    auth.write_text("")
    environ = {"HOST": "::1", "PORT": "81", "SERVER": "http://a, b:8188", "WORKFLOWS": str(tmp_path)}
    environ |= {"DATA": str(tmp_path / "d"), "SANDBOX": "yes", "SHARE": "1", "AUTH": str(auth)}
    environ |= {"MAX_WAITING": "20"}
    got = settings.parse([], {f"COMFYUI_BRIDGE_{name}": value for name, value in environ.items()})
    assert got == Settings(
        "::1", 81, ("http://a", "http://b:8188"), "", tmp_path, tmp_path / "d", True, True, auth, 20
    )


def test_an_argument_wins_over_its_variable() -> None:
    environ = {"COMFYUI_BRIDGE_PORT": "81", "COMFYUI_URL": "http://b", "COMFYUI_BRIDGE_SERVER": "http://c"}
    got = settings.parse(["--port", "82", "--server", "http://a"], environ)
    assert (got.port, got.servers) == (82, ("http://a",))


def test_servers_come_from_comfyui_url_each_once() -> None:
    got = settings.parse([], {"COMFYUI_URL": "http://a:8188/, https://u:p@b/api ,,http://a:8188"})
    assert got.servers == ("http://a:8188", "https://u:p@b/api")
    assert not got.wants_sandbox


def test_a_sandbox_beside_named_servers() -> None:
    assert settings.parse(["--sandbox", "--server", "http://a"], {}).wants_sandbox


def test_the_token_is_read_and_not_shown() -> None:
    got = settings.parse([], {"COMFYUI_TOKEN": " secret "})
    assert got.token == "secret"
    assert "secret" not in repr(got)


def test_a_public_link_without_a_sign_in_is_refused_with_the_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "--auth FILE: a public link without a sign-in lets everyone" in refusal(capsys, "--share")
    assert "--auth" in refusal(capsys, COMFYUI_BRIDGE_SHARE="true")


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--port", "http"], '--port is "http", and should be a whole number from 0 to 65535'),
        (["--port", "65536"], "from 0 to 65535"),
        (["--port", "-1"], "--port"),
        (["--host", "http://here"], '--host is "http://here"'),
        (["--server", "ftp://a"], '"ftp://a" is no server address'),
        (["--server", "http://"], "it should look like http://127.0.0.1:8188"),
        (["--server", "http://a:b"], "no server address"),
        (["--server", "a b"], "no server address"),
        (["--workflows", "/no/such/folder"], "/no/such/folder, and there is no such folder"),
        (["--data", __file__], "which is a file, and should name a folder"),
        (["--auth", "/no/such/file"], "python -m comfyui_bridge passwd NAME --auth /no/such/file"),
        (["--keep-gb", "-1"], '--keep-gb is "-1", and should be a number above 0'),
        (["--keep-days", "nan"], '--keep-days is "nan", and should be a number above 0'),
        (["--max-waiting", "0"], '--max-waiting is "0", and should be a whole number from 1'),
        (["--prot", "80"], "--prot"),
        (["picture.png"], "picture.png"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str], argv: list[str], told: str
) -> None:
    assert told in refusal(capsys, *argv)


def test_a_switch_in_the_environment_is_true_or_false(capsys: pytest.CaptureFixture[str]) -> None:
    assert not settings.parse([], {"COMFYUI_BRIDGE_SANDBOX": "off", "COMFYUI_URL": "http://a"}).wants_sandbox
    assert 'is "maybe", and should be true or false' in refusal(capsys, COMFYUI_BRIDGE_SANDBOX="maybe")


def test_a_wrong_address_is_told_without_its_password(capsys: pytest.CaptureFixture[str]) -> None:
    told = refusal(capsys, COMFYUI_URL="https://me:secret@")
    assert "secret" not in told
    assert "no server address" in told


def test_reading_settings_loads_nothing_heavy() -> None:
    code = (
        "import sys, comfyui_bridge.settings;"
        "heavy = {'gradio', 'numpy', 'PIL', 'requests', 'sqlalchemy', 'aiohttp'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
