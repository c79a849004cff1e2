"""Words of the LoRA stack and the ControlNet slot."""

TABLE = {
    "stack_find": ("Type to find one", "输入以查找"),
    "stack_more": ("{count} more; type to narrow down", "还有 {count} 个，请继续输入"),
    "stack_none": ("None is called like that", "没有匹配的名称"),
    "stack_no_files": ("The server has none", "服务器上没有"),
    "lora_add": ("Add a LoRA", "添加 LoRA"),
    "lora_acting": ("{count} in use", "正在使用 {count} 个"),
    "lora_nameless": ("new LoRA", "新的 LoRA"),
    "lora_name": ("LoRA {place}", "LoRA {place}"),
    "lora_strength": ("Strength of {name}", "{name} 的强度"),
    "lora_on": ("Use {name}", "使用 {name}"),
    "lora_on_hint": ("Use it or leave it out", "启用或停用"),
    "lora_grip": ("Drag, or use the arrow keys", "拖动，或用方向键移动"),
    "lora_move": (
        "Move {name}, {place} of {count}, with the arrow keys",
        "用方向键移动 {name}（第 {place} 个，共 {count} 个）",
    ),
    "lora_moved": ("{name} is now {place} of {count}.", "{name} 现在是第 {place} 个，共 {count} 个。"),
    "lora_remove": ("Remove", "移除"),
    "lora_remove_named": ("Remove {name}", "移除 {name}"),
    "lora_removed": ("{name} was removed.", "已移除 {name}。"),
    "lora_hint": (
        "The first one is nearest to the model. Strength 0 leaves one out.",
        "第一个离模型最近。强度为 0 时不使用。",
    ),
    "controlnet_model": ("Model", "模型"),
    "controlnet_image": ("Picture to follow", "参考图"),
    "controlnet_strength": ("Strength", "强度"),
    "controlnet_start": ("From (0 to 1)", "起始（0 到 1）"),
    "controlnet_end": ("Until (0 to 1)", "结束（0 到 1）"),
    "controlnet_remove": ("Remove the ControlNet", "移除 ControlNet"),
    "controlnet_hint": (
        "The picture is followed as it is: an outline, a depth map or a pose, made as the model expects it.",
        "参考图按原样使用：边缘图、深度图或姿态图需事先按模型的要求准备好。",
    ),
}

SCRIPT: tuple[str, ...] = ()
