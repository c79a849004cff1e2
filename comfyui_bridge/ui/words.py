"""All words of the page, in one table: English and Simplified Chinese.

`Words` gives them in one language; which one, `choose` reads from a link's `__lang` or from what the
browser asks for. Names that people have to find again in ComfyUI (KSampler, LoRA, CFG) stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LANGUAGES = ("en", "zh")

_TABLE: Mapping[str, tuple[str, str]] = {
    # The frame of the page
    "create": ("Create", "创作"),
    "results": ("Results", "结果"),
    "servers": ("Servers", "服务器"),
    "sign_out": ("Sign out", "退出登录"),
    "no_such_template": (
        "There is no template “{slug}” here any more; this is another one.",
        "这里已没有模板“{slug}”，现在打开的是另一个。",
    ),
    # Library
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
    # Form
    "generate": ("Generate", "生成"),
    "stop": ("Stop", "停止"),
    "stopping": ("Stopping", "正在停止"),
    "advanced": ("Advanced", "高级设置"),
    "size": ("Size", "尺寸"),
    "swap": ("Swap width and height", "交换宽高"),
    "seed_random": ("New one each time", "每次随机"),
    "seed_roll": ("Roll the die", "掷一个新的"),
    "seed_random_placeholder": ("Random", "随机"),
    "seed_last": ("Last: {seed}", "上次：{seed}"),
    "seed_workflow": ("From the workflow: {seed}", "工作流自带：{seed}"),
    "seed_use": ("Use this seed again", "再次使用这个种子"),
    "file_default": (
        "Left empty, the server's own {name} is used.",
        "留空则使用服务器上的 {name}。",
    ),
    "keeps_value": (
        "Only ComfyUI's own page can edit this ({type}). It keeps the workflow's value.",
        "只有 ComfyUI 自己的页面能编辑此项（{type}）。将保留工作流中的值。",
    ),
    "fed_by_link": (
        "Fed by another node ({type}); there is nothing to set here.",
        "由其他节点提供（{type}），此处无需设置。",
    ),
    "limits": ("{low} to {high}", "{low} 到 {high}"),
    "at_least": ("{low} or more", "不小于 {low}"),
    "at_most": ("{high} or less", "不大于 {high}"),
    "form_problems_one": ("One field needs another value.", "有一项需要修改。"),
    "form_problems": ("{count} fields need another value.", "有 {count} 项需要修改。"),
    "template_broken": ("This template cannot be used", "无法使用此模板"),
    "card_problems": ("The card of this template is wrong in places", "此模板的说明卡有误"),
    "form_waiting": (
        "The server's node list is not known yet, so limits and choices may be missing.",
        "尚未取得服务器的节点列表，数值范围和选项可能不全。",
    ),
    # Stage: states
    "stage": ("Picture", "画面"),
    "nothing_yet": ("Your picture appears here", "画面会出现在这里"),
    "example": ("Example. Your picture appears here", "示例。你的画面会出现在这里"),
    "nothing_yet_hint": (
        "Change the words if you like, then press Generate.",
        "可以先改一改文字，再点“生成”。",
    ),
    "sending": ("Sending", "正在提交"),
    "queued": ("Queued", "排队中"),
    "queued_next": ("Queued, next in line", "排队中，下一个就是它"),
    "queued_place": ("Queued, {place} in line", "排队中，第 {place} 位"),
    "waiting_server": (
        "Waiting for a server. It starts by itself as soon as one answers.",
        "正在等待服务器。一有服务器应答就会自动开始。",
    ),
    "starting": ("Starting", "正在启动"),
    "loading": ("Loading model", "正在加载模型"),
    "step": ("{node}, step {value} of {maximum}", "{node}，第 {value} / {maximum} 步"),
    "left": (", about {time} left", "，约剩 {time}"),
    "seconds": ("{count} s", "{count} 秒"),
    "minutes": ("{count} min", "{count} 分钟"),
    "silent": ("no word from the server for {time}", "服务器已 {time}没有消息"),
    "saving": ("Saving", "正在保存"),
    "done": ("Done", "完成"),
    "done_in": ("Done in {time}", "完成，用时 {time}"),
    "done_cached": ("Done at once: the server still had this picture", "立即完成：服务器还留着这张图"),
    "cancelled": ("Stopped", "已停止"),
    "cancelled_hint": ("Nothing was kept of it.", "没有保留任何内容。"),
    "cancelled_kept": ("What was ready before is kept.", "停止前已完成的内容已保留。"),
    "failed": ("It did not work", "没有成功"),
    "unknown_run": ("There is no such run", "没有这次运行的记录"),
    "unknown_run_hint": (
        "The link points to {run_id}, which is not kept here. It may be on another machine or of "
        "another data folder.",
        "链接指向 {run_id}，但这里没有它的记录。它可能属于另一台机器或另一个数据目录。",
    ),
    "server_away_run": (
        "{server} does not answer. If it still has the run once it is back, it goes on.",
        "{server} 没有应答。恢复后若仍有此次运行，会继续。",
    ),
    # Stage: what to do when it failed
    "fault_refused": ("The server refused the workflow", "服务器拒绝了此工作流"),
    "fault_node": ("A node failed", "有节点出错"),
    "fault_out_of_memory": ("The server ran out of memory", "服务器内存不足"),
    "fault_lost": ("The server lost this run", "服务器丢失了这次运行"),
    "fault_unreachable": ("No server could be reached", "无法连接任何服务器"),
    "fault_no_output": ("The workflow gave no result", "工作流没有产生结果"),
    "advice_refused": (
        "Change what is named above and generate again.",
        "修改上面指出的内容后重新生成。",
    ),
    "advice_node": (
        "Check the values that go into this node, or look at the details below.",
        "检查进入该节点的值，或查看下面的详情。",
    ),
    "advice_out_of_memory": (
        "Choose a smaller size or fewer pictures at once, then run it again.",
        "减小尺寸或一次生成的张数，然后再试。",
    ),
    "advice_lost": ("It was probably restarted. Run it again.", "它可能重启过。请再运行一次。"),
    "advice_unreachable": (
        "See that ComfyUI runs and its address is right, then run it again.",
        "确认 ComfyUI 正在运行且地址正确，然后再运行一次。",
    ),
    "advice_no_output": (
        "Add a node that saves, such as Save Image, to the workflow.",
        "在工作流中加入保存节点，例如 Save Image。",
    ),
    "run_again": ("Run again", "再运行一次"),
    "details": ("Details", "详情"),
    "at_node": ("At {node}", "位置：{node}"),
    # Stage: actions and facts
    "download": ("Download", "下载"),
    "download_all": ("Download all", "全部下载"),
    "copy_link": ("Copy link", "复制链接"),
    "copied": ("Copied", "已复制"),
    "use_values": ("Use these values", "使用这些参数"),
    "open_full": ("Open full size", "查看原图"),
    "this_run": ("Files of this run", "本次运行的文件"),
    "last_runs": ("Last runs", "最近的运行"),
    "seed_fact": ("Seed {seed}", "种子 {seed}"),
    "size_fact": ("{width} × {height}", "{width} × {height}"),
    "on_server": ("on {server}", "于 {server}"),
    "result_of": ("Result of {title}", "{title} 的结果"),
    "preview_of": ("Preview of {title}", "{title} 的预览"),
    "progress": ("Progress", "进度"),
    # States in short, for the strip and the results
    "state_pending": ("Queued", "排队中"),
    "state_in_progress": ("Running", "运行中"),
    "state_completed": ("Done", "完成"),
    "state_failed": ("Failed", "失败"),
    "state_cancelled": ("Stopped", "已停止"),
    # Servers
    "sandbox_badge": ("Sandbox: procedural pictures, no AI model.", "沙盒：程序绘制的图片，没有 AI 模型。"),
    "sandbox_short": ("Sandbox", "沙盒"),
    "connect_comfyui": ("Connect a ComfyUI", "连接 ComfyUI"),
    "connect_short": ("Connect", "连接"),
    "connect_how": (
        "Stop this program and start it again with the address of your ComfyUI:",
        "停止本程序，再带上你的 ComfyUI 地址重新启动：",
    ),
    "server_ready": ("Ready", "就绪"),
    "server_connecting": ("Connecting", "正在连接"),
    "server_away": ("No answer", "无应答"),
    "server_away_since": ("No answer for {time}", "已 {time}无应答"),
    "servers_away_line": (
        "{server} does not answer, for {time} now. It is asked again every few seconds.",
        "{server} 已 {time}没有应答。每隔几秒会重新尝试。",
    ),
    "servers_some": ("{ready} of {count} servers ready", "{count} 台服务器中 {ready} 台就绪"),
    "no_server": ("No server", "没有服务器"),
    "server": ("Server", "服务器"),
    "state": ("State", "状态"),
    "version": ("Version", "版本"),
    "memory": ("Memory", "内存"),
    "device": ("Device", "设备"),
    "in_queue": ("In its queue", "队列"),
    "free_of": ("{free} GB free of {total} GB", "可用 {free} GB，共 {total} GB"),
    "ordinal_1": ("1st", "1"),
    "ordinal_2": ("2nd", "2"),
    "ordinal_3": ("3rd", "3"),
    "ordinal": ("{count}th", "{count}"),
    # Results
    "no_results": ("What you generate is kept here.", "你生成的内容会保存在这里。"),
    "open_run": ("Open {title}, {state}", "打开 {title}，{state}"),
    "pictures_one": ("1 file", "1 个文件"),
    "pictures": ("{count} files", "{count} 个文件"),
}

KEYS = tuple(_TABLE)

_SCRIPT = (
    "copied",
    "copy_link",
    "details",
    "download",
    "download_all",
    "open_full",
    "preview_of",
    "progress",
    "result_of",
    "run_again",
    "sending",
    "this_run",
    "use_values",
)
"""What the page's own script says by itself."""

_LABELS_ZH = {
    "Prompt": "提示词",
    "Negative prompt": "反向提示词",
    "Seed": "种子",
    "Steps": "步数",
    "Sampler": "采样器",
    "Scheduler": "调度器",
    "Denoise": "重绘幅度",
    "Width": "宽度",
    "Height": "高度",
    "Pictures at once": "一次张数",
    "Checkpoint": "大模型",
    "Model": "模型",
    "LoRA strength": "LoRA 强度",
    "ControlNet strength": "ControlNet 强度",
    "Image": "图像",
    "Video": "视频",
    "Audio": "音频",
}


@dataclass(frozen=True)
class Words:
    """The page's words in one language."""

    lang: str = "en"

    def __call__(self, key: str, **values: object) -> str:
        """The words of this key, with the values put in."""
        text = self.raw(key)
        return text.format(**values) if values else text

    def raw(self, key: str) -> str:
        """The words of this key with the gaps left open."""
        return _TABLE[key][LANGUAGES.index(self.lang)]

    def count(self, key: str, count: int) -> str:
        """The words for so many of something."""
        if count == 1 and f"{key}_one" in _TABLE:
            return self(f"{key}_one")
        return self(key, count=count)

    def label(self, label: str) -> str:
        """A label of ours in this language; an author's own stays as it is."""
        return _LABELS_ZH.get(label, label) if self.lang == "zh" else label

    def time(self, seconds: float) -> str:
        """A length of time, as roughly as people say it."""
        if seconds < 10:
            return self("seconds", count=max(1, round(seconds)))
        if seconds < 100:
            return self("seconds", count=round(seconds / 5) * 5 if seconds >= 20 else round(seconds))
        return self("minutes", count=max(2, round(seconds / 60)))

    def ordinal(self, place: int) -> str:
        return self(f"ordinal_{place}") if place in (1, 2, 3) else self("ordinal", count=place)


def choose(asked: str, accept_language: str) -> str:
    """The language to speak: the one asked for in the link, else the browser's first that we know."""
    for wish in (asked, *(part.split(";")[0] for part in accept_language.split(","))):
        lang = wish.strip().lower().replace("_", "-").split("-")[0]
        if lang in LANGUAGES:
            return lang
    return "en"


def script_words(lang: str) -> dict[str, str]:
    words = Words(lang)
    return {key: words(key) for key in _SCRIPT}
