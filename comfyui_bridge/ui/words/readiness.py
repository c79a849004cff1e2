"""Words of the line that says whether a template can run, and of the dots on the cards."""

TABLE = {
    "ready_here": ("Ready", "就绪"),
    "ready_on_all": ("Ready on all servers", "所有服务器就绪"),
    "ready_on": ("Ready on {ready} of {count} servers", "{count} 台服务器中 {ready} 台可运行"),
    "ready_needs_file": ("Needs a file of yours", "需要你提供文件"),
    "not_ready_anywhere_one": ("The server cannot run this yet", "服务器暂时无法运行此模板"),
    "not_ready_anywhere": (
        "None of the {count} servers can run this yet",
        "{count} 台服务器暂时都无法运行此模板",
    ),
    "missing_node": (
        "It needs the node {class_type} ({title}), which no server has. Whoever looks after the server can "
        "install the extension that brings it.",
        "需要节点 {class_type}（{title}），但没有服务器提供。请服务器管理员安装提供它的扩展。",
    ),
    "missing_model": (
        "{value} is not on the server (for {node}).",
        "服务器上没有 {value}（用于 {node}）。",
    ),
    "missing_choice": (
        "{label}: {value} is not among the server's choices.",
        "{label}：服务器上没有 {value}。",
    ),
    "missing_file": (
        "{label}: {value} is not on the server. Choose a file of yours in the form.",
        "{label}：服务器上没有 {value}。请在表单中选择你的文件。",
    ),
    "missing_more_one": ("And one thing more.", "还有 1 项。"),
    "missing_more": ("And {count} things more.", "还有 {count} 项。"),
    "use_nearest": ("Use {nearest}", "改用 {nearest}"),
    "keep_nearest": ("Always", "始终如此"),
    "keep_nearest_hint": (
        "Make {nearest} the default of this template for everyone",
        "将 {nearest} 设为此模板对所有人的默认值",
    ),
    "dot_ready": ("Ready to run", "可以运行"),
    "dot_needs_file": ("Needs a file of yours", "需要你提供文件"),
    "dot_not_ready": ("Something is missing on the servers", "服务器上缺少所需内容"),
}

SCRIPT: tuple[str, ...] = ()
