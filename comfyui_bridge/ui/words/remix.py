"""Words of what is done with a result: its values, its workflow, and itself as an input."""

TABLE = {
    "remix_gone": (
        "The template “{title}” is not in the library any more. Its workflow is kept with the run: it can "
        "be run again as it is, or become a template.",
        "模板“{title}”已不在模板库中。但此次运行保存了它的工作流：可以原样再运行，也可以重新作为模板。",
    ),
    "remix_left_out": (
        "{count} values do not fit this template any more and were left out:",
        "有 {count} 个参数已不适用于此模板，未填入：",
    ),
    "remix_left_out_one": (
        "One value does not fit this template any more and was left out:",
        "有 1 个参数已不适用于此模板，未填入：",
    ),
    "remix_filled": ("Filled in from {name}.", "已从 {name} 填入。"),
    "remix_close": ("Close", "关闭"),
    "same_again": ("Same again", "原样再来"),
    "same_again_hint": (
        "Runs the identical workflow once more, seed included",
        "用完全相同的工作流再运行一次，包括种子",
    ),
    "new_seed": ("New seed", "换种子"),
    "new_seed_hint": ("The same, with its seed drawn anew", "其余不变，只换一个随机种子"),
    "open_as_template": ("Open as template", "作为模板打开"),
    "use_as_input": ("Use as input…", "用作输入…"),
    "save_as_preset": ("Save as preset…", "存为预设…"),
    "more_actions": ("More", "更多"),
    # The form as it was
    "undo": ("Undo", "撤销"),
    "redo": ("Redo", "重做"),
    "undo_hint": (
        "The form as it was before (Ctrl+Z outside of texts)",
        "回到表单之前的样子（在文字框外按 Ctrl+Z）",
    ),
    "redo_hint": ("Forward again (Ctrl+Shift+Z)", "再往前一步（Ctrl+Shift+Z）"),
    "form_steps": ("Steps of this form", "表单的步骤"),
}

SCRIPT = (
    "remix_close",
    "same_again",
    "same_again_hint",
    "new_seed",
    "new_seed_hint",
    "open_as_template",
    "use_as_input",
    "save_as_preset",
    "more_actions",
    "undo",
    "redo",
    "undo_hint",
    "redo_hint",
    "form_steps",
)
