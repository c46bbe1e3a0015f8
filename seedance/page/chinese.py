"""All that the page says, in Simplified Chinese; and what its errors mean, by their class."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    "title": "Seedance 参考图生视频",
    "tagline": "上传 1 到 4 张参考图，写下画面内容，得到一段视频。",
    "preview_notice": (
        "<strong>预览引擎。</strong>这里生成的视频是在本机免费渲染的动态分镜，并非由 Seedance AI 模型生成。"
        "要使用 AI 模型，请在下方填写您自己的 WaveSpeedAI 密钥，"
        "或设置 <code>WAVESPEED_API_KEY</code> 后重新启动。"
    ),
    "model_notice": (
        "<strong>Seedance v1 Lite</strong>，由 WaveSpeedAI 提供。每段视频都会向本页所用的账户收费；"
        "填写您自己的密钥时，则向您的账户收费。"
    ),
    "upload_text.drop_gallery": "将 1 到 4 张图片拖到这里",
    "references": "参考图",
    "image": "图 {n}",
    "earlier": "◀ 前移",
    "later": "后移 ▶",
    "prompt": "提示词",
    "prompt_hint": "[图1] 中的机器人走向 [图2] 中的灯塔，镜头缓慢推近",
    "insert": "插入",
    "moves": "缓慢推近|拉远|左移|右移|上摇|环绕|升起|手持镜头|固定镜头",
    "flags": "模型会把“{flag}”当作参数而不是文字，请删去。",
    "duration": "时长",
    "seconds": "秒",
    "seed": "种子",
    "seed_info": "-1 表示随机",
    "random_seed": "随机",
    "last_seed": "沿用上次",
    "takes": "条数",
    "takes_info": "使用不同的种子，并排比较",
    "camera_fixed": "固定镜头",
    "engine": "生成方式",
    "engine_model": "AI 模型",
    "engine_preview": "免费预览",
    "more": "更多设置",
    "own_key": "您自己的 WaveSpeedAI 密钥",
    "own_key_info": "仅在此标签页中使用，不会保存。费用由您的账户承担。",
    "generate": "生成",
    "generate_preview": "生成免费预览",
    "generate_price": "生成 · {amount}",
    "stop": "停止等待",
    "look_again": "再查找一次",
    "video": "视频",
    "take": "第 {n} 条",
    "again": "换个种子再来",
    "last_frame": "用最后一帧作参考图",
    "recipe": "以代码形式查看此请求",
    "shell": "命令行",
    "history": "您的视频",
    "search": "搜索提示词",
    "history_empty": "您在此浏览器中生成的视频会列在这里。",
    "history_none": "没有提示词包含这些文字。",
    "show": "查看",
    "delete": "删除",
    "delete_sure": "删除这段视频及其文件？",
    "examples": "从示例开始",
    "idle": "一切就绪。",
    "step_submitting": "已发送",
    "step_queued": "排队",
    "step_running": "渲染",
    "step_downloading": "保存",
    "step_done": "完成",
    "new": "正在准备图片",
    "submitting": "正在发送请求",
    "queued": "排队中",
    "running": "渲染中",
    "running_model": "渲染中，通常需要 40–70 秒",
    "downloading": "正在保存视频",
    "done": "完成",
    "failed": "没有生成视频",
    "unknown": "结果未知",
    "stopped": "已停止等待",
    "preview_badge": "预览，并非 AI 模型",
    "model_badge": "Seedance v1 Lite",
    "caption_seed": "种子",
    "caption_made": "用时 {seconds:.1f} 秒",
    "caption_task": "任务",
    "flagged": "服务方将此视频标记为敏感内容。",
    "bad_image": "未采用 {name}：{reason}",
    "too_many": "只使用前 {most} 张图片，未采用 {names}。",
    "some_started": "已开始 {wanted} 条中的 {started} 条。{reason}",
    "gone": "这段视频已不在这里。",
    "details": "程序原文",
}

FAULTS: Final = {
    "MissingKey": "需要 WaveSpeedAI 密钥。没有发送任何内容。请填写您自己的密钥，或选择免费预览。",
    "InvalidRequest": "请求中有一项不符合要求，没有发送任何内容。",
    "prompt": (
        "提示词不符合要求：需填写内容，最多 2000 字，不得含有“--”参数，提到的 [图n] 必须已上传。"
        "没有发送任何内容。"
    ),
    "images": "请提供 1 到 4 张参考图。没有发送任何内容。",
    "duration": "时长须为 2 到 12 的整数秒。没有发送任何内容。",
    "seed": "种子须为 -1 到 2147483647 的整数。没有发送任何内容。",
    "InvalidImage": (
        "无法使用图片 {name}：支持 JPEG、PNG、WebP、AVIF、HEIC，每张不超过 10 MB、5000 万像素，"
        "每边至少 300 像素，宽高比 0.4 到 2.5。没有发送任何内容。"
    ),
    "LimitReached": (
        "已达到本页所有者设定的上限（{limit}）。没有发送任何内容。您可以使用自己的密钥，或生成免费预览。"
    ),
    "NotRecorded": "无法写入记录，因此没有发送任何内容。请联系本页所有者检查磁盘。",
    "NotDelivered": "无法连接到服务方。没有创建任务，也没有收费。请稍后再试。",
    "Refused": "服务方拒绝了请求。没有创建任务，也没有收费。",
    "Unauthorized": "密钥被拒绝。没有创建任务，也没有收费。请检查密钥；新账户需先充值一次。",
    "InsufficientCredit": "账户余额不足。没有创建任务，也没有收费。请充值后再试。",
    "ContentRejected": "内容未通过审核。没有创建任务，也没有收费。请修改提示词或图片。",
    "RateLimited": "请求过于频繁。没有创建任务，也没有收费。请一分钟后再试。",
    "NotFound": "服务方不认识这个任务。",
    "ModelUnavailable": "服务方不再提供此模型，它可能已下线。没有创建任务，也没有收费。",
    "OutcomeUnknown": (
        "请求的答复丢失，无法确定任务是否已创建，可能已经收费。请先点“再查找一次”，或查看服务方的历史记录，"
        "然后再决定是否重新生成。"
    ),
    "TaskFailed": "任务结束，但没有生成视频。失败的任务会在 3 小时内退款。",
    "TaskRejected": "内容未通过审核，任务已结束。失败的任务会在 3 小时内退款。请修改提示词或图片。",
    "stopped": "已停止等待。服务方无法取消任务：它可能仍会完成并收费；完成后视频会保存在这里。",
    "stopped_early": "在发送之前已停止。没有收费。",
    "other": "出现了问题，详情见程序原文。",
    "waiting": "遇到暂时的问题，程序会自动继续。",
}
