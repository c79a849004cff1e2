"""The sign-in page: one plain form that works without scripts and asks nobody for anything."""

from __future__ import annotations

from html import escape

_WORDS = {
    "en": {
        "title": "Sign in",
        "name": "Name",
        "password": "Password",
        "button": "Sign in",
        "wrong": "This name and password are not known here. Check both and try again.",
        "wait": "Too many wrong passwords. Try again in {seconds} s.",
        "help": "Accounts are made by whoever runs this dashboard.",
    },
    "zh-CN": {
        "title": "登录",
        "name": "用户名",
        "password": "密码",
        "button": "登录",
        "wrong": "用户名或密码不正确，请检查后重试。",
        "wait": "密码错误次数过多，请在 {seconds} 秒后重试。",
        "help": "账号由此面板的管理者创建。",
    },
}

_STYLE = """
:root { color-scheme: light dark; --page: #f4f4f5; --card: #fff; --text: #1b1b1e; --soft: #55555d;
  --line: #d3d3d7; --accent: #2f62dd; --strong: #274fb8; --bad: #b42318; }
@media (prefers-color-scheme: dark) {
  :root { --page: #121214; --card: #1b1b1e; --text: #f4f4f5; --soft: #9d9da6; --line: #3c3c43;
    --strong: #4b7cf0; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 16px;
  background: var(--page); color: var(--text);
  font: 16px/1.5 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans",
    "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; }
main { width: 100%; max-width: 360px; padding: 32px 24px; background: var(--card);
  border: 1px solid var(--line); border-radius: 10px; }
p { margin: 0 0 16px; color: var(--soft); font-size: 14px; }
p[role=alert] { color: var(--bad); }
h1 { margin: 0 0 16px; font-size: 22px; line-height: 1.3; }
.product { margin: 0 0 4px; }
label { display: block; margin: 0 0 4px; font-size: 14px; }
input { width: 100%; height: 44px; margin: 0 0 16px; padding: 0 12px; font: inherit; color: inherit;
  background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
button { width: 100%; height: 44px; font: inherit; font-weight: 600; color: #fff; cursor: pointer;
  background: var(--accent); border: 0; border-radius: 10px; }
button:hover { background: var(--strong); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
main > p:last-child { margin: 16px 0 0; }
"""


def page(lang: str, name: str = "", *, is_wrong: bool = False, wait_s: int = 0) -> str:
    """The page in one of our languages, with what was wrong and the name that was typed."""
    words = _WORDS[lang]
    told = words["wait"].format(seconds=wait_s) if wait_s else words["wrong"] if is_wrong else ""
    alert = f'<p role="alert" id="wrong">{escape(told)}</p>' if told else ""
    described = ' aria-describedby="wrong"' if told else ""
    at_name, at_password = ("", " autofocus") if name else (" autofocus", "")
    return f"""<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(words["title"])} · ComfyUI Bridge</title>
<link rel="icon" href="data:,">
<style>{_STYLE}</style>
</head>
<body>
<main>
<p class="product">ComfyUI Bridge</p>
<h1>{escape(words["title"])}</h1>
{alert}
<form method="post">
<label for="name">{escape(words["name"])}</label>
<input id="name" name="name" value="{escape(name)}" autocomplete="username" autocapitalize="none"
  spellcheck="false" maxlength="64" required{at_name}{described}>
<label for="password">{escape(words["password"])}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required
  {at_password}{described}>
<button type="submit">{escape(words["button"])}</button>
</form>
<p>{escape(words["help"])}</p>
</main>
</body>
</html>
"""


def language(accepted: str) -> str:
    """Which of our languages an Accept-Language header prefers; English if it names none of them."""
    wishes = [wish for part in accepted.split(",") if (wish := _wish(part)) is not None]
    for _, tag in sorted(wishes, key=lambda wish: -wish[0]):
        if tag.startswith("zh"):
            return "zh-CN"
        if tag.startswith("en"):
            return "en"
    return "en"


def _wish(part: str) -> tuple[float, str] | None:
    """A language and how much it is wanted; None for one that is not wanted or not understood."""
    tag, _, weight = part.partition(";")
    try:
        quality = float(weight.strip().removeprefix("q=")) if weight.strip() else 1.0
    except ValueError:
        return None
    return (quality, tag.strip().lower()) if quality > 0 else None
