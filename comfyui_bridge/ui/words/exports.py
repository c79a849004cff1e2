"""Words in a sheet that is written to a file. The English ones are a sheet's own."""

from comfyui_bridge.core.sheet import SheetWords

_ZH = {
    "failed": "失败",
    "cancelled": "已取消",
    "waiting": "尚未生成",
    "running": "正在生成",
    "skipped": "已跳过",
    "gone": "结果已被删除",
    "nothing": "没有图片",
    "broken": "此图片无法显示。",
    "kept": "保留",
    "rejected": "淘汰",
    "shared": "所有格子相同的参数",
    "state": "状态",
    "reason": "原因",
    "verdict": "评价",
    "seed": "种子",
    "seconds": "秒",
    "run": "运行",
    "files": "文件",
    "texts": "文本",
    "done": "已完成",
    "on": "开",
    "off": "关",
    "none": "无",
    "larger": "放大：{name}",
    "previous": "上一张",
    "next": "下一张",
    "close": "关闭",
    "made_with": "由 {program} 生成",
    "reduced": "图片最大显示为 {size} 像素。",
    "no_font": "此计算机缺少部分字符的字体。",
    "too_many": "{count} 个格子太多，无法放入一张图片。请选择网页、表格或 zip。",
}
_EN = SheetWords()

TABLE = {
    **{f"ex_{name}": (str(getattr(_EN, name)), said) for name, said in _ZH.items()},
    "ex_count": ("{count} pictures", "{count} 张图片"),
    "ex_count_one": ("1 picture", "1 张图片"),
    "ex_kept_name": ("{name} (kept)", "{name}（保留）"),
    "ex_kept_of": ("{kept} kept of {count}", "{count} 张中保留 {kept} 张"),
    "ex_none_kept": ("Nothing is kept yet.", "还没有保留任何格子。"),
    "ex_unknown": ("There is no such experiment here.", "这里没有此实验。"),
}

SCRIPT: tuple[str, ...] = ()
