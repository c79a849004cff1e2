"""Sentences that the rooms below say in English, in Chinese: what people meet most.

The core knows no languages. Its sentences are known again by their words; what stands in their gaps is kept,
and read as a sentence again where it is one. A sentence that nobody wrote down here stays as it is.
"""

from __future__ import annotations

import re
from functools import cache

ZH = {
    # Values of a form
    "This should be a text.": "这里应为文字。",
    "Choose a file.": "请选择一个文件。",
    "There is no such input; did you mean {near}?": "没有这个输入；是不是 {near}？",
    "This needs a number.": "这里需要一个数字。",
    "This needs a number from {low} to {high}.": "这里需要一个 {low} 到 {high} 之间的数字。",
    "This needs a whole number.": "这里需要一个整数。",
    "This needs a whole number from {low} to {high}.": "这里需要一个 {low} 到 {high} 之间的整数。",
    "This should be a number, and is {value}.": "这里应为数字，而现在是 {value}。",
    "This should be a number from {low} to {high}, and is {value}.": (
        "这里应为 {low} 到 {high} 之间的数字，而现在是 {value}。"
    ),
    "This should be a whole number, and is {value}.": "这里应为整数，而现在是 {value}。",
    "This should be a whole number from {low} to {high}, and is {value}.": (
        "这里应为 {low} 到 {high} 之间的整数，而现在是 {value}。"
    ),
    "This should be true or false, and is {value}.": "这里应为“是”或“否”，而现在是 {value}。",
    "{value} is too small; the least is {low}.": "{value} 太小，最小为 {low}。",
    "{value} is too large; the most is {high}.": "{value} 太大，最大为 {high}。",
    "{value} is not among the choices; did you mean {near}?": "{value} 不在可选项中；是不是 {near}？",
    "{value} is not among the choices; it may be {some}.": "{value} 不在可选项中；可选：{some}。",
    "{value} cannot be used: the server has no such files.": "{value} 无法使用：服务器上没有此类文件。",
    "{name} is no picture that can be read; choose another.": "{name} 不是可以读取的图片，请另选一张。",
    "{name} could not be uploaded; choose it again.": "{name} 未能上传，请重新选择。",
    "A file that this run needs is no longer kept. Choose it again.": (
        "此次运行需要的文件已不再保存，请重新选择。"
    ),
    (
        "{count} runs of yours are waiting, which is as many as one person may have. Wait for some "
        "of them, or stop some."
    ): ("你有 {count} 个运行在等待，已达到每人的上限。请等其中一些完成，或停止一些。"),
    # Whether it can run
    "{input} of “{node}” is linked to node {id}, which is not there.": (
        "“{node}” 的 {input} 连接到不存在的节点 {id}。"
    ),
    "{input} of “{node}” needs a link and has none.": "“{node}” 的 {input} 需要连接，但没有连接。",
    (
        "This workflow is in UI format, which needs a server's node definitions to be read; none has "
        "answered yet. Connect one, or export the workflow with “Export (API)”."
    ): (
        "此工作流为界面格式，需要服务器的节点定义才能读取，而目前还没有服务器应答。"
        "请连接服务器，或用“导出 (API)”导出工作流。"
    ),
    # Experiments
    "Its template is gone. Put it back, then go on.": "它的模板不见了。请放回模板，然后继续。",
    "Some cells may be for {names}, which has not answered since this program was started.": (
        "有些格子可能要由 {names} 完成，而它自本程序启动以来还没有应答。"
    ),
    "Paused because cell after cell failed: {why} Resume to go on all the same.": (
        "格子接连失败，已暂停：{why} 点击“继续”可照常进行。"
    ),
    # As it was said until now, and stands in what is stored.
    "Paused after {count} failures in a row: {why} Resume to go on all the same.": (
        "连续失败 {count} 次，已暂停：{why} 点击“继续”可照常进行。"
    ),
    "Another axis varies this already.": "另一项已在变化此输入。",
    "“{label}” stands here twice.": "“{label}”重复出现。",
    "“{words}” does not stand in this text.": "文中没有“{words}”。",
    "One of these presets is gone. Choose again.": "其中一个预设已不存在，请重新选择。",
    "{number} seeds cannot be drawn; from {low} to {high} can.": (
        "无法抽取 {number} 个种子；可抽取 {low} 到 {high} 个。"
    ),
    "The table is empty; its first row should name inputs.": "表格为空；第一行应写输入项的名称。",
    "In the first row {what}.": "第一行中 {what}。",
    "Line {line} has {count} cells, and the first row has {wanted}.": (
        "第 {line} 行有 {count} 个单元格，而第一行有 {wanted} 个。"
    ),
    "Line {line} cannot be read: {why}.": "无法读取第 {line} 行：{why}。",
    'Before ".." stand two numbers, and one behind it, as in 10,20,..,50.': (
        "“..”之前应有两个数字，之后应有一个，例如 10,20,..,50。"
    ),
    "{range} has {count} values, and {most} is the most.": "{range} 有 {count} 个值，最多为 {most} 个。",
    '{range} should be three numbers around "..".': "{range} 应为“..”前后的三个数字。",
    "{range} does not lead from its first number to its last.": "{range} 无法从第一个数字到达最后一个。",
    "That would be {count} texts, and {most} is the most; have some of them at random.": (
        "这将产生 {count} 段文字，最多为 {most} 段；可改为随机选取一部分。"
    ),
    "With its choices made this text has more than {most} letters.": "选定后，这段文字超过 {most} 个字符。",
    "The {sign} at letter {place} is never closed: {text}": "第 {place} 个字符处的 {sign} 没有闭合：{text}",
    "The list {name} names itself, or lists name each other in a circle.": (
        "列表 {name} 引用了自身，或列表之间循环引用。"
    ),
    "There is no list {name}; lists are files such as {file}.": "没有列表 {name}；列表是文件，例如 {file}。",
    "The list {name} has no lines.": "列表 {name} 没有内容。",
    "All cells are left out; take one in.": "所有格子都已跳过，请至少恢复一个。",
    "There is no template {name} any more.": "模板 {name} 已不存在。",
    "An uploaded file is not there any more; choose the file again.": "上传的文件已不在了，请重新选择。",
    # Servers
    "“{address}” is no server address: {why}. {how}": "“{address}” 不是服务器地址：{why}。{how}",
    "This is no server address: {why}. {how}": "这不是服务器地址：{why}。{how}",
    "This is no server address. {how}": "这不是服务器地址。{how}",
    "it names no host": "没有主机名",
    "a host's name has no spaces": "主机名中不能有空格",
    "its port is no number from 0 to 65535": "端口不是 0 到 65535 之间的数字",
    '"{scheme}" is neither http nor https': "“{scheme}” 既不是 http 也不是 https",
    "Write a host and its port, such as 192.168.1.20:8188, or a URL such as http://127.0.0.1:8188.": (
        "请写主机和端口，如 192.168.1.20:8188，或网址，如 http://127.0.0.1:8188。"
    ),
    "{name} is this page's own address. Write the address of a ComfyUI, such as 192.168.1.20:8188.": (
        "{name} 是本页面自己的地址。请填写 ComfyUI 的地址，如 192.168.1.20:8188。"
    ),
    (
        "{name} is the address of another ComfyUI Bridge. Write the address of a ComfyUI, such as "
        "192.168.1.20:8188."
    ): ("{name} 是另一个 ComfyUI Bridge 的地址。请填写 ComfyUI 的地址，如 192.168.1.20:8188。"),
    "{name} is among the servers already.": "{name} 已在服务器列表中。",
    "{name} is still finishing its last runs; add it again when it is gone from the list.": (
        "{name} 正在完成最后的运行；等它从列表中消失后再添加。"
    ),
    "{name} was named when the program was started; pause it instead.": (
        "{name} 是启动程序时指定的，请改为暂停它。"
    ),
    "There is no host of the name in {name}. Check the address.": "找不到 {name} 中的主机。请检查地址。",
    "Nothing answers at {name}. Start ComfyUI there, or check the address.": (
        "{name} 没有应答。请在那里启动 ComfyUI，或检查地址。"
    ),
    "{name} could not be connected to. Check that the machine is on and its port is open.": (
        "无法连接到 {name}。请检查那台机器是否开机、端口是否开放。"
    ),
    "{name} took the request and did not answer in time. It may be busy; try again.": (
        "{name} 收到了请求，但没有及时应答。它可能正忙，请重试。"
    ),
    "{name} did not open a WebSocket in time. It may be busy; try again.": (
        "{name} 没有及时打开 WebSocket。它可能正忙，请重试。"
    ),
    "The connection to {name} broke before its answer was whole. Try again.": (
        "与 {name} 的连接在应答完整之前中断，请重试。"
    ),
    "The connection to {name} broke off.": "与 {name} 的连接已中断。",
    "The connection to {name} broke off: {why}.": "与 {name} 的连接已中断：{why}。",
    "{name} has been silent and does not answer a ping; the connection to it is dead.": (
        "{name} 一直没有消息，也不回应 ping；连接已失效。"
    ),
    "{name} answers, but not as ComfyUI does. Check the address, its port and its path.": (
        "{name} 有应答，但不是 ComfyUI。请检查地址、端口和路径。"
    ),
    "{name} answers ({status}), but not as ComfyUI does. Check the address, its port and its path.": (
        "{name} 有应答（{status}），但不是 ComfyUI。请检查地址、端口和路径。"
    ),
    "{name} does not let us in ({status}). Give a user and password in the address, or a token.": (
        "{name} 拒绝访问（{status}）。请在地址中写上用户名和密码，或提供令牌。"
    ),
    "{name} failed at a request ({status}); its own log tells why.": (
        "{name} 处理请求失败（{status}）；原因见其日志。"
    ),
    "A proxy answers for {name}: {status}. ComfyUI behind it may be down or starting.": (
        "代理代替 {name} 应答：{status}。其后的 ComfyUI 可能未运行或正在启动。"
    ),
    # The database
    (
        "There is no room left for {name}: the disk that holds {folder} is full. Free some space there and "
        "try again."
    ): "没有空间存放 {name}：{folder} 所在的磁盘已满。请腾出空间后重试。",
    (
        "{path} cannot be written ({why}). Give the user that runs this program access to it, or choose "
        "another folder with --data."
    ): "无法写入 {path}（{why}）。请让运行本程序的用户有权访问它，或用 --data 选择另一个目录。",
    "Another program holds {path} ({why}). Close it there and try again.": (
        "另一个程序正占用 {path}（{why}）。请关闭它后重试。"
    ),
    # Runs
    "The server no longer knows this run; it was probably restarted. Run it again.": (
        "服务器已不认识此次运行，可能已重启。请重新运行。"
    ),
    "Run it again.": "请重新运行。",
    "Add a node that saves.": "请添加一个保存节点。",
    "The server ended the run with an error it did not describe.": "服务器因未说明的错误结束了此次运行。",
    "The workflow ran to its end, yet no node reported a file or a text. Add a node that saves.": (
        "工作流已运行完毕，但没有节点给出文件或文字。请添加一个保存节点。"
    ),
    "{node}: the server ran out of memory. Try a smaller size or batch, or free the server's memory.": (
        "{node}：服务器内存不足。请减小尺寸或张数，或释放服务器的内存。"
    ),
    "It was on the server {name}, which is no longer among the servers. Run it again.": (
        "它在服务器 {name} 上，而该服务器已不在列表中。请重新运行。"
    ),
    "{name} ended while it had this run, and has not come back. Run it again.": (
        "{name} 在处理此次运行时退出，且没有恢复。请重新运行。"
    ),
    "{name} was removed while it could not be reached and had this run. Run it again.": (
        "{name} 无法访问且仍有此次运行时被移除。请重新运行。"
    ),
    "{file} could not be fetched: {why}": "无法获取 {file}：{why}",
    "{file} waits to be fetched: {why}": "{file} 等待获取：{why}",
    "What this run made could not be fetched.": "无法获取此次运行的结果。",
    "{why} {file} is still on the server {name}.": "{why}{file} 仍在服务器 {name} 上。",
    "It was stopped before it was sent.": "它在提交之前已被停止。",
    "{name} is gone; it had not begun there.": "{name} 已退出；此次运行尚未在那里开始。",
    "{name} was removed; it had not begun there.": "{name} 已被移除；此次运行尚未在那里开始。",
    "{name} no longer knew of it; it had not begun there.": ("{name} 已不认识此次运行；它尚未在那里开始。"),
    "It was given to a server {count} times, and none began it. {why}": (
        "已 {count} 次交给服务器，都没有开始。{why}"
    ),
    "{name} had this run too, from before it could not be reached. It was stopped there.": (
        "{name} 在失联之前也收到了此次运行；已在那里停止。"
    ),
    "{name} had this run too, from before it could not be reached. What it made there was left out.": (
        "{name} 在失联之前也收到了此次运行；它在那里的结果没有采用。"
    ),
    (
        "{name} was handed the run and its answer was lost, and neither its queue nor its history shows the "
        "run. Run it again."
    ): "{name} 收到了此次运行，但应答丢失，其队列和历史中都没有它。请重新运行。",
    (
        "{name} no longer has {file}: it was deleted, or was a temporary file of before a restart. Run the "
        "workflow again with another seed."
    ): "{name} 上已没有 {file}：它被删除了，或是重启之前的临时文件。请换一个种子重新运行。",
    "{name} sent {count} of the {total} bytes of {file}.": (
        "{file} 共 {total} 字节，{name} 只发送了 {count} 字节。"
    ),
    "{file} on {name} changed while it was fetched. Fetch it again.": (
        "获取期间 {name} 上的 {file} 发生了变化，请重新获取。"
    ),
    "This is larger than {name} takes. Start ComfyUI with a larger --max-upload-size.": (
        "超过了 {name} 接受的大小。请用更大的 --max-upload-size 启动 ComfyUI。"
    ),
    # Why a server refuses a workflow
    "{name} (node {id})": "{name}（节点 {id}）",
    "{count} more things are wrong.": "另有 {count} 处错误。",
    "The server refused the workflow without saying why; its own log may tell.": (
        "服务器拒绝了此工作流，没有说明原因；可查看服务器的日志。"
    ),
    (
        "{where}: the server has no node of class {wanted}. Install the extension that brings it, or use "
        "another workflow."
    ): "{where}：服务器没有 {wanted} 类节点。请安装提供它的扩展，或换一个工作流。",
    "The workflow has no output node; add one that saves or shows something, as Save Image does.": (
        "此工作流没有输出节点；请添加保存或显示结果的节点，例如 Save Image。"
    ),
    "The workflow: no output node of it can run; its links may lead round in a circle.": (
        "此工作流的输出节点都无法运行；连接可能形成了环路。"
    ),
    "{where}: the input {name} is missing.": "{where}：缺少输入 {name}。",
    "{where}: {name} is out of range: {why}.": "{where}：{name} 超出范围：{why}。",
    "{where}: the server has no {name} called {given}.": "{where}：服务器没有名为 {given} 的 {name}。",
    "{where}: the server has no {name} called {given}; it has {some}.": (
        "{where}：服务器没有名为 {given} 的 {name}；可选：{some}。"
    ),
    "{where}: the server has no {name} called {given}, nor any other.": (
        "{where}：服务器没有名为 {given} 的 {name}，也没有其他可选项。"
    ),
    "{where}: {name} cannot be empty ({why}).": "{where}：{name} 不能为空（{why}）。",
    "{where}: it has no class_type. Export the workflow anew.": (
        "{where}：没有 class_type。请重新导出工作流。"
    ),
    "{where}: Bad linked input, must be a length-2 list of [node_id, slot_index] ({name}).": (
        "{where}：{name} 的连接有误，应为 [node_id, slot_index] 两项。"
    ),
    "{where}: {name} cannot be {given} ({why}).": "{where}：{name} 不能是 {given}（{why}）。",
    "{where}: {name} is linked to an output of another type ({why}).": (
        "{where}：{name} 连接到了另一类型的输出（{why}）。"
    ),
    "{where}: its inputs lead back to itself; break the circle of links.": (
        "{where}：它的输入又连回自身；请断开连接的环路。"
    ),
    "{where}: the server could not check it ({why}); look for a broken link.": (
        "{where}：服务器无法检查它（{why}）；请查看是否有断开的连接。"
    ),
    "{where}: {input} - Invalid image file: {file}.": "{where}：{input} – 服务器上没有图片 {file}。",
    "{where}: {input} - Invalid video file: {file}.": "{where}：{input} – 服务器上没有视频 {file}。",
    "{where}: {input} - Invalid audio file: {file}.": "{where}：{input} – 服务器上没有音频 {file}。",
    "{where} was left out: {why}.": "{where} 没有执行：{why}。",
    # ComfyUI's own words inside these
    "value {given} smaller than min of {least}": "{given} 小于最小值 {least}",
    "value {given} bigger than max of {most}": "{given} 大于最大值 {most}",
    "failed to convert an input value to a {type} value": "无法转换为 {type} 类型",
    "{input}, received_type({got}) mismatch input_type({wanted})": "{input} 需要 {wanted}，得到的是 {got}",
    "Value {given} smaller than min of {least} ({name})": "{name} 的值 {given} 小于最小值 {least}",
    "Value {given} bigger than max of {most} ({name})": "{name} 的值 {given} 大于最大值 {most}",
    "Value not in list ({why})": "值不在可选项中（{why}）",
    "Required input is missing ({name})": "缺少必需的输入 {name}",
    "Failed to convert an input value to a {type} value ({why})": "无法转换为 {type} 类型（{why}）",
    "Return type mismatch between linked nodes ({why})": "相连节点的类型不一致（{why}）",
    "Custom validation failed for node ({why})": "节点自身的检查未通过（{why}）",
    "Exception when validating inner node ({why})": "检查其输入节点时出错（{why}）",
    "Exception when validating node ({why})": "检查节点时出错（{why}）",
    # What nodes raise: ComfyUI's, PyTorch's and safetensors' own words
    "{node}: mat1 and mat2 shapes cannot be multiplied ({shapes})": (
        "{node}：两个矩阵的形状无法相乘（{shapes}）"
    ),
    "{node}: Error while deserializing header: {why}": "{node}：无法读取模型文件的头部：{why}",
    "{node}: ERROR: Could not detect model type of: {file}": "{node}：无法识别 {file} 的模型类型",
    "{node}: [Errno 2] No such file or directory: {file}": "{node}：没有文件 {file}",
    "{node}: [Errno 28] No space left on device": "{node}：服务器的磁盘已满",
    "{node}: [Errno 28] No space left on device: {file}": "{node}：服务器的磁盘已满，无法写入 {file}",
    "{node}: cannot identify image file {file}": "{node}：无法识别图片文件 {file}",
    "{node}: Unauthorized: Please login first to use this node.": "{node}：使用此节点需要先登录。",
    "{node}: CUDA error: {why}": "{node}：CUDA 错误：{why}",
    "{node}: an error without a message": "{node}：出错，但没有给出说明",
}

_GAP = re.compile(r"\{(\w+)\}")
_LONGEST = 600
"""Characters of a sentence that is looked up; what a traceback is pasted into is none of ours."""


@cache
def _known() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The sentences as patterns, those with the most words of their own first."""
    said = sorted(ZH.items(), key=lambda pair: -len(_GAP.sub("", pair[0])))
    return tuple((_pattern(english), chinese) for english, chinese in said)


def _pattern(english: str) -> re.Pattern[str]:
    parts = _GAP.split(english)
    inside = (f"(?P<{part}>.+?)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
    return re.compile("".join(inside), re.DOTALL)


def chinese(sentence: str) -> str:
    """The sentence in Chinese, or as it is. Several are told one a line."""
    if len(sentence) > 3 * _LONGEST:
        return sentence
    lines = [_said(line) for line in sentence.split("\n")]
    if len(lines) > 1 and None not in lines:
        return "\n".join(line for line in lines if line)
    return _said(sentence) or sentence


def _said(sentence: str) -> str | None:
    """A sentence in Chinese, if it is known."""
    if len(sentence) > _LONGEST:
        return None
    for pattern, said in _known():
        found = pattern.fullmatch(sentence)
        if found is not None:
            return said.format(**{gap: chinese(text) for gap, text in found.groupdict().items()})
    return None
