"""Words of the servers."""

TABLE = {
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
}

SCRIPT: tuple[str, ...] = ()
