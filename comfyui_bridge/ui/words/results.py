"""Words of the results."""

TABLE = {
    "no_results": ("What you generate is kept here.", "你生成的内容会保存在这里。"),
    "open_run": ("Open {title}, {state}", "打开 {title}，{state}"),
    "pictures_one": ("1 file", "1 个文件"),
    "pictures": ("{count} files", "{count} 个文件"),
}

SCRIPT: tuple[str, ...] = ()
