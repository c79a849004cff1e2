"""Words of recipe links and their card, and of values as people read them."""

TABLE = {
    "recipe": ("Recipe", "配方"),
    "recipe_copy": ("Copy recipe link", "复制配方链接"),
    "recipe_copy_hint": (
        "One link with the template, all values and the seed",
        "一条链接，包含模板、全部参数和种子",
    ),
    "recipe_copy_shares": (
        "One link with the template, all values and the seed; whoever signs in here and has it sees the "
        "result",
        "一条链接，包含模板、全部参数和种子；在此登录并持有它的人都能看到结果",
    ),
    "recipe_copied": ("Recipe link copied", "已复制配方链接"),
    "recipe_open": ("Open as mine", "载入我的表单"),
    "recipe_open_hint": (
        "Fills the form with these values. Nothing runs yet.",
        "将这些参数填入表单，不会立即运行。",
    ),
    "recipe_run": ("Open the run", "打开此次运行"),
    "recipe_workflow": ("Workflow", "工作流"),
    "recipe_workflow_hint": (
        "Download the workflow as it was sent (API format)",
        "下载当时提交的工作流（API 格式）",
    ),
    "recipe_values": ("Values", "参数"),
    "recipe_more_values": ("All values", "全部参数"),
    "recipe_models": ("Models", "模型文件"),
    "recipe_unknown": ("A recipe", "配方"),
    "recipe_failed": (
        "This recipe could not be read: {problem}",
        "无法读取此配方：{problem}",
    ),
    "recipe_no_picture": ("No picture of it is here", "这里没有它的画面"),
    "recipe_left": (
        "The link leaves to the run: {names}. Who opens it elsewhere fills them in.",
        "以下内容未写入链接，只保存在此次运行中：{names}。在别处打开时需自行填写。",
    ),
    "recipe_all_values": ("all values", "全部参数"),
    "recipe_no_run": (
        "The run it came from is not here, or is somebody else's. Its values are in the link.",
        "这里没有它所来自的运行，或它属于别人。参数在链接里。",
    ),
    "recipe_not_shared": (
        "The run it came from is not here, or it is not shared with you. Its values are in the link.",
        "这里没有它所来自的运行，或者它尚未与你共享。参数在链接里。",
    ),
    "recipe_missing": (
        "The link does not carry: {names}. Fill them in yourself.",
        "链接不包含：{names}。请自行填写。",
    ),
    "recipe_altered": (
        "Somebody changed the link: its values are not those of the run, so its picture is not shown.",
        "链接被改动过：其中的参数与此次运行不同，因此不显示画面。",
    ),
    "recipe_no_template": (
        "There is no template “{slug}” here. The workflow of the run, if it is here, reproduces it.",
        "这里没有模板“{slug}”。若此次运行还在，可用它的工作流重现。",
    ),
    "recipe_no_form": (
        "This template cannot be read as a form now, so its values cannot be checked.",
        "现在无法将此模板读成表单，因此不能核对参数。",
    ),
    "recipe_changed": (
        "The template here is another one than it was: these values make another workflow now (version "
        "{then} then, {now} now).",
        "这里的模板与当时不同：同样的参数现在得到另一个工作流（当时版本 {then}，现在 {now}）。",
    ),
    "recipe_changed_workflow": (
        "The workflow as it was sent is kept with the run, and reproduces it.",
        "当时提交的工作流随此次运行一起保存，可用来重现。",
    ),
    # Who sees a result where people sign in
    "shared_run": (
        "Whoever signs in here and has the link sees this result.",
        "在此登录并持有链接的人都能看到这个结果。",
    ),
    "shared_sheet": (
        "Its sheet is shared: whoever signs in here and has the sheet's link sees this result.",
        "它所在的对照表已共享：在此登录并持有该表链接的人都能看到这个结果。",
    ),
    "shared_only_me": ("Only for me", "仅自己可见"),
    "shared_not_now": ("Only you see this result now.", "现在只有你能看到这个结果。"),
    "shared_not_done": (
        "The link is copied, but nobody else sees this result yet: {why}",
        "链接已复制，但其他人还看不到这个结果：{why}",
    ),
    "shared_not_taken_back": ("It is still shared: {why}", "仍在共享：{why}"),
    "shared_not_yours": (
        "Only who made it shares it, where people sign in.",
        "只有制作者能共享它，而且需要登录。",
    ),
    "unshared": (
        "There is no such result here, or it is not shared with you. Ask who made it to copy its recipe "
        "link.",
        "这里没有这个结果，或者它尚未与你共享。请让制作者复制它的配方链接。",
    ),
    "said_none": ("none", "无"),
    "said_on": ("on", "开"),
    "said_off": ("off", "关"),
}

SCRIPT = (
    "recipe",
    "recipe_copy",
    "recipe_copy_hint",
    "recipe_copy_shares",
    "recipe_copied",
    "recipe_open",
    "recipe_open_hint",
    "recipe_run",
    "recipe_workflow",
    "recipe_workflow_hint",
    "recipe_values",
    "recipe_more_values",
    "recipe_models",
    "recipe_failed",
    "recipe_no_picture",
    "shared_run",
    "shared_sheet",
    "shared_only_me",
    "shared_not_now",
    "shared_not_done",
    "shared_not_taken_back",
)
