"""Words of the pictures people choose, and of painting a mask on one."""

TABLE = {
    "picture_choose": ("choose a picture", "选择图片"),
    "picture_drop": (
        "Drop a picture here, paste one,\nor click to choose",
        "拖放或粘贴图片到此处，\n或点击选择",
    ),
    "picture_another": ("Replace", "更换"),
    "picture_remove": ("Remove", "移除"),
    "picture_unreadable": (
        "{name} is no picture that can be read; choose another.",
        "{name} 不是可以读取的图片，请另选一张。",
    ),
    "picture_paint": ("Paint mask", "绘制蒙版"),
    "mask_tool": ("Tool", "工具"),
    "mask_brush": ("Brush", "画笔"),
    "mask_eraser": ("Eraser", "橡皮"),
    "mask_brush_size": ("Size", "大小"),
    "mask_undo": ("Undo", "撤销"),
    "mask_redo": ("Redo", "重做"),
    "mask_invert": ("Invert", "反转"),
    "mask_clear": ("Clear", "清除"),
    "mask_cancel": ("Cancel", "取消"),
    "mask_use": ("Use this mask", "使用此蒙版"),
    "mask_canvas": (
        "The picture to paint on. Arrow keys move the brush, the space bar paints, with Shift they draw.",
        "要绘制的图片。方向键移动画笔，空格键绘制，按住 Shift 加方向键画线。",
    ),
    "mask_unpaintable": ("This picture cannot be shown here.", "无法在此显示这张图片。"),
}

SCRIPT: tuple[str, ...] = ()
