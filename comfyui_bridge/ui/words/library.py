"""Words of the library."""

TABLE = {
    "library": ("Templates", "模板"),
    "search_templates": ("Search templates", "搜索模板"),
    "no_match": ("No template matches. Clear the search to see all.", "没有匹配的模板。清空搜索可查看全部。"),
    "all_tags": ("All", "全部"),
    "close": ("Close", "关闭"),
    "open_library": ("Choose another template", "选择其他模板"),
    "library_empty": (
        "There is no template yet. Export a workflow from ComfyUI (Workflow, Export (API)) and put the "
        "JSON file into {folder}; it appears here by itself.",
        "还没有模板。在 ComfyUI 中导出工作流（工作流 › 导出（API）），"
        "把 JSON 文件放进 {folder}，这里会自动出现。",
    ),
    "files_unread_one": ("1 file could not be read", "1 个文件无法读取"),
    "files_unread": ("{count} files could not be read", "{count} 个文件无法读取"),
    "other_versions": ("The other templates work as usual.", "其他模板照常可用。"),
}

SCRIPT: tuple[str, ...] = ()
