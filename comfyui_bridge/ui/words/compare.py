"""Words of comparing two results."""

TABLE = {
    "compare": ("Compare", "对比"),
    "compare_with": ("Compare with…", "与……对比"),
    "compare_choose": ("Choose the result to compare with", "选择要对比的结果"),
    "compare_none": (
        "There is no other result yet. Generate one more, or select two in Results.",
        "还没有其他结果。再生成一个，或在“结果”中选择两个。",
    ),
    "compare_more": ("Show more", "显示更多"),
    "compare_gone": (
        "One of these results is not here any more, or is somebody else's.",
        "其中一个结果已不在这里，或属于别人。",
    ),
    "compare_not_shared": (
        "One of these results is not here, or it is not shared with you. Ask who made it to copy its recipe "
        "link.",
        "其中一个结果不在这里，或者尚未与你共享。请让制作者复制它的配方链接。",
    ),
    "compare_templates": (
        "They come from two templates; values of the same name are compared.",
        "两者来自不同的模板；比较的是同名参数。",
    ),
    "compare_slider": ("Slider", "滑块"),
    "compare_beside": ("Side by side", "并排"),
    "compare_divider": ("Divider between A and B", "A 与 B 的分界"),
    "compare_share": ("{percent} % A", "A 占 {percent}%"),
    "compare_swap": ("Swap", "交换"),
    "compare_swap_hint": ("Swap A and B", "交换 A 与 B"),
    "compare_file": ("Next file of {side}, {place} of {count}", "{side} 的下一个文件，第 {place}/{count} 个"),
    "compare_differs": ("What differs", "不同之处"),
    "compare_same": (
        "No value differs. They were made by the same values.",
        "没有不同的参数，两者由相同的参数生成。",
    ),
    "compare_input": ("Input", "参数"),
    "compare_only_graph": ("in the workflow", "工作流中"),
    "compare_only": ("only in {side}", "仅 {side}"),
    "compare_apply": ("Apply this difference", "套用这些不同"),
    "compare_apply_hint": (
        "Puts what B has in place of A into the form. Nothing runs yet.",
        "把 B 相对 A 的改动填入表单，不会立即运行。",
    ),
    "compare_to_form": ("To the form as it is", "套用到当前表单"),
    "compare_to_run": ("To the values of another result", "套用到另一个结果的参数"),
    "compare_no_picture": ("No file was kept", "没有保留文件"),
}

SCRIPT = tuple(key for key in TABLE if key not in ("compare_gone", "compare_not_shared", "compare_templates"))
