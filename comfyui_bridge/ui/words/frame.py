"""Words of the page's frame."""

TABLE = {
    "create": ("Create", "创作"),
    "results": ("Results", "结果"),
    "servers": ("Servers", "服务器"),
    "sign_out": ("Sign out", "退出登录"),
    "no_such_template": (
        "There is no template “{slug}” here any more; this is another one.",
        "这里已没有模板“{slug}”，现在打开的是另一个。",
    ),
}

SCRIPT: tuple[str, ...] = ()
