"""Words of the queue, and of what the page says when a run is over."""

TABLE = {
    "queue_heading": ("Your queue · {count}", "你的队列 · {count}"),
    "queue_more": ("and {count} more behind them", "后面还有 {count} 个"),
    "queue_joined": ("Queued: {title}", "已加入队列：{title}"),
    "stop_all": ("Stop all", "全部停止"),
    "stop_all_sure": ("Stop all {count}?", "停止全部 {count} 个？"),
    "stop_one": ("Stop {title}", "停止 {title}"),
    "show_one": ("Show {title}", "查看 {title}"),
    "move_one": ("Drag to move {title}", "拖动以移动 {title}"),
    "move_up": ("Move {title} up", "将 {title} 上移"),
    "move_down": ("Move {title} down", "将 {title} 下移"),
    "notify": ("Tell me when it is done", "完成时通知我"),
    "notify_hint": (
        "A notification of your browser when a run ends while you look elsewhere",
        "离开此页面期间有运行结束时，由浏览器通知你",
    ),
    "notify_denied": (
        "Your browser does not allow notifications of this page; its settings for this address do.",
        "浏览器不允许此页面发送通知，可在此网址的设置中开启。",
    ),
    "ended_completed": ("Done", "已完成"),
    "ended_failed": ("It did not work", "没有成功"),
}

SCRIPT = (
    "ended_completed",
    "ended_failed",
    "move_down",
    "move_one",
    "move_up",
    "notify_denied",
    "queue_joined",
    "show_one",
    "stop",
    "stop_all",
    "stop_all_sure",
    "stop_one",
    "stopping",
)
