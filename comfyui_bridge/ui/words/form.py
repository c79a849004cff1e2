"""Words of the form."""

TABLE = {
    "generate": ("Generate", "生成"),
    "stop": ("Stop", "停止"),
    "stopping": ("Stopping", "正在停止"),
    "advanced": ("Advanced", "高级设置"),
    "swap": ("Swap width and height", "交换宽高"),
    # Seeds
    "seed_random": ("New each time", "每次随机"),
    "seed_fixed": ("Keep it", "保持不变"),
    "seed_up": ("Count up", "每次加一"),
    "seed_down": ("Count down", "每次减一"),
    "seed_after": ("After each run", "每次运行后"),
    "seed_roll": ("Roll the die", "掷一个新的"),
    "seed_random_placeholder": ("Random", "随机"),
    "seed_last": ("Last: {seed}", "上次：{seed}"),
    "seed_workflow": ("From the workflow: {seed}", "工作流自带：{seed}"),
    "seed_use": ("Use this seed again", "再次使用这个种子"),
    # Inputs that a node can do without, and lists that grow
    "leave_out": ("Leave out", "不使用"),
    "leave_out_hint": ("The node goes without it", "该节点将不使用此项"),
    "put_in": ("Use", "使用"),
    "put_in_hint": ("Left out; give the node a value", "当前未使用，可为该节点设置"),
    "add_element": ("Add another", "再添一项"),
    "remove": ("Remove", "移除"),
    # Choices
    "choose": ("Choose", "请选择"),
    "add_choice": ("Add", "添加"),
    "more_choices": ("{count} more; type to narrow them down", "还有 {count} 项，输入文字可缩小范围"),
    "no_choice": ("Nothing matches", "没有匹配项"),
    "no_choices_now": ("The list cannot be had now", "暂时无法取得列表"),
    "loading_choices": ("Asking for the list", "正在获取列表"),
    "refresh_choices": ("Ask the server again", "重新询问服务器"),
    "refresh_form": ("Refresh choices", "刷新选项"),
    "refresh_form_hint": (
        "Ask the servers for their models, files and nodes again; what you typed stays",
        "重新向服务器查询模型、文件和节点，已填写的内容会保留",
    ),
    "pick_color": ("pick", "选取"),
    # Files
    "choose_image": ("Choose a picture", "选择图片"),
    "choose_video": ("Choose a video", "选择视频"),
    "choose_audio": ("Choose a sound", "选择音频"),
    "choose_file": ("Choose a file", "选择文件"),
    "drop_image": ("Drop a picture here, paste one, or click to choose", "拖放或粘贴图片，或点击选择"),
    "drop_video": ("Drop a video here, or click to choose", "拖放视频，或点击选择"),
    "drop_audio": ("Drop a sound here, or click to choose", "拖放音频，或点击选择"),
    "drop_file": ("Drop a file here, or click to choose", "拖放文件，或点击选择"),
    "servers_own": ("On the server", "服务器上的文件"),
    "file_on_server": ("The server's own {name}", "服务器上的 {name}"),
    "take_file_out": ("Take it out", "移除"),
    "paint_mask": ("Paint a mask", "绘制蒙版"),
    # What has no widget
    "keeps_value": (
        "Only ComfyUI's own page can edit this ({type}). It keeps the workflow's value.",
        "只有 ComfyUI 自己的页面能编辑此项（{type}）。将保留工作流中的值。",
    ),
    "fed_by_link": (
        "Fed by another node ({type}); there is nothing to set here.",
        "由其他节点提供（{type}），此处无需设置。",
    ),
    "list_fed_by_links": (
        "A list that other nodes feed ({type}); there is nothing to set here.",
        "由其他节点提供的列表（{type}），此处无需设置。",
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
}

_SAID_BY_PYTHON = (
    "generate",
    "stop",
    "stopping",
    "keeps_value",
    "fed_by_link",
    "list_fed_by_links",
    "limits",
    "at_least",
    "at_most",
    "template_broken",
    "card_problems",
    "form_waiting",
)
SCRIPT: tuple[str, ...] = tuple(key for key in TABLE if key not in _SAID_BY_PYTHON)
