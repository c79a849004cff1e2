"""Words of the form."""

TABLE = {
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
}

SCRIPT: tuple[str, ...] = ()
