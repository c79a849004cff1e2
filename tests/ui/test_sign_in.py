"""The sign-in: before the page, the media, the previews and the API alike."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import anyio
import argon2
import httpx
import pytest
from starlette.responses import PlainTextResponse

from comfyui_bridge.core.outputs import OutputFile
from comfyui_bridge.store.accounts import Accounts, Sessions
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.ui import sign_in, sign_in_page
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.serving import Launched
from comfyui_bridge.ui.sign_in import SESSION_COOKIE, SignIn
from comfyui_bridge.ui.throttle import Throttle
from tests.ui.serving_kit import Runs, a_run, call, client_of, ended, events, served

PASSWORD = "correct horse: 电池 staple"
QUICK = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HTML = {"Accept": "text/html,application/xhtml+xml"}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Accounts:
    accounts = Accounts(tmp_path_factory.mktemp("auth") / "accounts", QUICK)
    for name in ("ada", "bob", "Zoë 小"):
        accounts.add(name, PASSWORD)
    return accounts


@pytest.fixture(scope="module")
def page(accounts: Accounts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    data = tmp_path_factory.mktemp("data")
    media = MediaStore(data)
    runs = Runs()
    for run_id, owner in (("adas", "ada"), ("bobs", "bob"), ("nobodys", "")):
        media.keep(run_id, OutputFile("a.txt"), [owner.encode()])
        runs.publish(ended(a_run(run_id, owner)))
    media.keep("unknown", OutputFile("a.txt"), [b"whose?"])
    with Database(data) as database:
        sessions = Sessions(database)
        dashboard = Dashboard(
            engine=runs,
            library=None,
            editor=None,
            media=media,
            results=None,
            version="1.2.3",
            accounts=accounts,
            sessions=sessions,
        )
        with served(dashboard) as page:
            yield page


@pytest.fixture
def client(page: Launched) -> Iterator[httpx.Client]:
    with client_of(page.url) as client:
        yield client


def enter(
    client: httpx.Client, name: str = "ada", password: str = PASSWORD, after: str = ""
) -> httpx.Response:
    return client.post("/sign-in", params={"next": after}, data={"name": name, "password": password})


CLOSED = [
    ("GET", "/"),
    ("GET", "/?run=adas"),
    ("GET", "/config"),
    ("GET", "/theme.css"),
    ("GET", "/gradio_api/info"),
    ("GET", "/gradio_api/app_id"),
    ("GET", "/gradio_api/token"),
    ("GET", "/gradio_api/user"),
    ("GET", "/gradio_api/heartbeat/x"),
    ("GET", "/gradio_api/runs"),
    ("GET", "/gradio_api/queue/data?session_hash=x"),
    ("GET", "/gradio_api/file=/etc/passwd"),
    ("POST", "/gradio_api/startup-events"),
    ("POST", "/gradio_api/queue/join"),
    ("POST", "/gradio_api/call/who"),
    ("POST", "/gradio_api/run/who"),
    ("POST", "/gradio_api/upload"),
    ("POST", "/gradio_api/cancel"),
    ("POST", "/login"),
    ("GET", "/logout"),
    ("GET", "/media/nobodys/a.txt"),
    ("GET", "/media/nobodys.zip"),
    ("GET", "/live/nobodys"),
    ("GET", "/covers/any"),
    ("GET", "/runs/nobodys.json"),
    ("GET", "/runs/nobodys/recipe"),
    ("GET", "/recipe?run=nobodys"),
    ("GET", "/compare?runs=nobodys,adas"),
    ("GET", "/results"),
    ("GET", "/results/nobodys"),
    ("POST", "/media.zip"),
    ("GET", "//"),
    ("GET", "/healthz/"),
    ("GET", "/sign-in/"),
    ("PUT", "/"),
    ("OPTIONS", "/"),
]


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_nothing_answers_without_a_sign_in(client: httpx.Client, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 401
    assert answer.json() == {"detail": "Sign in first."}
    assert answer.headers["www-authenticate"].startswith("Basic ")


def test_the_browser_shows_no_window_of_its_own(client: httpx.Client) -> None:
    answer = client.get("/config", headers={"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 401
    assert "www-authenticate" not in answer.headers


def test_health_needs_no_sign_in(client: httpx.Client) -> None:
    assert client.get("/healthz").json()["status"] == "ok"


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/", "./sign-in?next=/"),
        ("/?run=1&KEY=%E5%B0%8F", "./sign-in?next=/%3Frun%3D1%26KEY%3D%25E5%25B0%258F"),
        ("/media/adas/a.txt", "../../sign-in?next=/media/adas/a.txt"),
    ],
)
def test_a_person_is_led_to_the_sign_in_and_back(client: httpx.Client, path: str, wanted: str) -> None:
    led = client.get(path, headers=HTML)
    assert (led.status_code, led.headers["location"]) == (303, wanted)
    form = client.get(led.headers["location"].lstrip("./"))
    assert form.status_code == 200
    back = client.post(str(form.url.raw_path.decode()), data={"name": "ada", "password": PASSWORD})
    assert (back.status_code, back.headers["location"]) == (303, f".{path}")


@pytest.mark.parametrize(
    "after", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nX: y", "javascript:1", ""]
)
def test_a_sign_in_never_leads_elsewhere(client: httpx.Client, after: str) -> None:
    assert enter(client, after=after).headers["location"] == "./"


def test_a_session_is_a_cookie_that_scripts_and_other_sites_cannot_use(client: httpx.Client) -> None:
    cookie = enter(client).headers["set-cookie"]
    assert re.fullmatch(
        rf"{SESSION_COOKIE}=[\w-]{{43}}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax", cookie
    )
    answer = client.post(
        "/sign-in", data={"name": "ada", "password": PASSWORD}, headers={"X-Forwarded-Proto": "https"}
    )
    assert answer.headers["set-cookie"].endswith("; Secure")


@pytest.mark.parametrize("name", ["ada", "Zoë 小", "Zoe\u0308 小"])
def test_who_signed_in_owns_the_run(client: httpx.Client, name: str) -> None:
    assert enter(client, name).status_code == 303
    assert client.get("/").status_code == 200
    told = call(client, "who").text.split("data: ")[1]
    assert json.loads(told) == [name.replace("e\u0308", "ë")]


def test_files_and_previews_are_their_owners(client: httpx.Client) -> None:
    enter(client)
    assert client.get("/media/adas/a.txt").text == "ada"
    assert client.get("/media/nobodys/a.txt").status_code == 200
    with client.stream("GET", "/live/adas") as answer:
        assert [name for name, _ in events(answer)] == ["end"]
    for path in ("bobs/a.txt", "bobs/a.txt?size=64", "bobs.zip", "unknown/a.txt"):
        assert client.get(f"/media/{path}").status_code == 404
    answer = client.get("/live/bobs")
    assert (answer.status_code, answer.text) == (404, "There is no such run here.\n")


def test_signing_out_ends_the_session_at_once(client: httpx.Client) -> None:
    enter(client)
    token = client.cookies[SESSION_COOKIE]
    assert client.get("/config").status_code == 200
    assert client.get("/sign-out").status_code == 404
    left = client.post("/sign-out")
    assert (left.status_code, left.headers["location"]) == (303, "./sign-in")
    assert SESSION_COOKIE not in client.cookies
    assert client.get("/config", headers={"Cookie": f"{SESSION_COOKIE}={token}"}).status_code == 401


def test_a_foreign_page_signs_nobody_in_or_out(client: httpx.Client) -> None:
    enter(client)
    for path in ("/sign-in", "/sign-out"):
        assert client.post(path, headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.get("/config").status_code == 200


@pytest.mark.parametrize("token", ["", "x", "é", "a" * 5000, "' OR 1=1 --"])
def test_a_made_up_session_is_none(client: httpx.Client, token: str) -> None:
    cookie = f"{SESSION_COOKIE}={token}".encode()
    assert client.get("/config", headers={"Cookie": cookie}).status_code == 401


def test_a_program_signs_in_with_each_request(client: httpx.Client) -> None:
    assert client.get("/config", auth=("ada", PASSWORD)).status_code == 200
    assert client.get("/media/bobs/a.txt", auth=("bob", PASSWORD)).text == "bob"
    assert client.get("/config", auth=("ada", "wrong")).status_code == 401
    for header in ("Basic", "Basic !!!", "Basic YWRh", "Bearer x", "Basic /w=="):
        assert client.get("/config", headers={"Authorization": header}).status_code == 401


@pytest.mark.parametrize(
    ("name", "password"), [("ada", "wrong"), ("nobody", PASSWORD), ("", PASSWORD), ("ada", ""), ("#", "x")]
)
def test_a_wrong_password_is_told_and_tells_nothing(client: httpx.Client, name: str, password: str) -> None:
    answer = enter(client, name, password)
    assert answer.status_code == 401
    assert "This name and password are not known here." in answer.text
    assert "set-cookie" not in answer.headers
    assert PASSWORD not in answer.text


def test_guessing_is_slowed_down_for_one_name_at_one_address(accounts: Accounts, tmp_path: Path) -> None:
    clock = Clock()

    async def scene(door: SignIn) -> None:
        async with at(door, "203.0.113.9") as far, at(door, "127.0.0.1") as near:
            wrong = [await far.post("/sign-in", data={"name": "bob", "password": f"{n}"}) for n in range(5)]
            assert [answer.status_code for answer in wrong] == [401] * 5
            right = {"name": "bob", "password": PASSWORD}
            slowed = await far.post("/sign-in", data=right)
            assert (slowed.status_code, slowed.headers["retry-after"]) == (429, "1")
            assert "Too many wrong passwords. Try again in 1 s." in slowed.text
            assert (await far.get("/", auth=("bob", PASSWORD))).status_code == 429
            assert (await far.post("/sign-in", data={**right, "name": "ada"})).status_code == 303
            assert (await near.post("/sign-in", data=right)).status_code == 303
            clock.now += 1
            assert (await far.post("/sign-in", data=right)).status_code == 303

    with Database(tmp_path) as database:
        door = SignIn(PlainTextResponse("inside"), accounts, Sessions(database), clock=clock)
        anyio.run(scene, door)


def at(door: SignIn, address: str) -> httpx.AsyncClient:
    """A client at this address, right before the door."""
    wire = httpx.ASGITransport(door, client=(address, 1))
    return httpx.AsyncClient(transport=wire, base_url="http://bridge")


def test_a_long_form_is_not_read(client: httpx.Client) -> None:
    assert client.post("/sign-in", content=b"name=" + b"a" * 9000).status_code == 413


def test_a_name_is_shown_as_it_is_and_runs_nothing(client: httpx.Client) -> None:
    answer = enter(client, '"><script>alert(1)</script>', "x")
    assert "<script" not in answer.text
    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none';")


def test_an_account_that_is_gone_is_signed_out(
    page: Launched, accounts: Accounts, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "_KNOWN_FOR_S", 0.0)
    accounts.add("eve", PASSWORD)
    enter(client, "eve")
    assert client.get("/config").status_code == 200
    lines = accounts.path.read_text(encoding="utf-8").splitlines(keepends=True)
    accounts.path.write_text("".join(line for line in lines if not line.startswith("eve:")), encoding="utf-8")
    assert client.get("/config").status_code == 401


def test_an_accounts_file_that_cannot_be_read_lets_nobody_in(
    accounts: Accounts, client: httpx.Client
) -> None:
    kept = accounts.path.rename(accounts.path.with_suffix(".away"))
    try:
        answer = enter(client, "ada")
        assert answer.status_code == 503
        assert str(accounts.path) in answer.text
    finally:
        kept.rename(accounts.path)


@pytest.mark.parametrize(
    ("accepted", "lang"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("zh-TW", "zh-CN"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("de,zh;q=0.5,en;q=0.3", "zh-CN"),
        ("en;q=0,zh;q=0.1", "zh-CN"),
        ("fr, *;q=0.1", "en"),
        ("zh;q=nonsense, en", "en"),
    ],
)
def test_the_form_speaks_the_language_asked_for(accepted: str, lang: str) -> None:
    assert sign_in_page.language(accepted) == lang


def test_the_form_is_in_chinese_for_who_reads_it(client: httpx.Client) -> None:
    answer = client.get("/sign-in", headers={"Accept-Language": "zh-CN"})
    assert '<html lang="zh-CN">' in answer.text
    assert "用户名" in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_the_pause_doubles_up_to_a_quarter_of_an_hour_and_is_forgotten() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    assert [throttle.attempt("ada", "a") for _ in range(6)] == [0, 0, 0, 0, 0, 1.0]
    pauses = []
    for _ in range(12):
        pauses.append(throttle.attempt("ada", "a"))
        clock.now += pauses[-1]
        assert throttle.attempt("ada", "a") == 0
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    clock.now += 3601
    assert throttle.attempt("ada", "a") == 0


def test_a_right_password_clears_the_misses() -> None:
    throttle = Throttle(Clock())
    for _ in range(50):
        assert throttle.attempt("ada", "a") == 0
        throttle.succeeded("ada", "a")


def test_many_names_at_one_address_are_slowed_too() -> None:
    throttle = Throttle(Clock())
    assert [throttle.attempt(f"name{n}", "a") for n in range(31)] == [0.0] * 30 + [1.0]
    assert throttle.attempt("ada", "b") == 0


def test_guessing_from_everywhere_is_slowed_and_keeps_nobody_out_for_long() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for number in range(100):
        assert throttle.attempt("ada", f"address{number}") == 0
    for number in range(100, 120):
        clock.now += 30
        assert throttle.attempt("ada", f"address{number}") == 0
    assert throttle.attempt("ada", "home") == 30


def test_the_throttle_remembers_only_so_much() -> None:
    throttle = Throttle(Clock())
    for number in range(6000):
        throttle.attempt(f"name{number}", f"address{number}")
    assert len(throttle._misses) == 10_000
