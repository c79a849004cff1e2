"""Labels the core gives by itself, in Chinese; an author's own stay as they are."""

ZH = {
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
