"""All that the page says, in Simplified Chinese."""

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
    "sign_in": "使用 Hugging Face 登录",
    "sign_out": "退出登录（{name}）",
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
    "takes_info": "并排比较",
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
    "send_again": "重新发送",
    "send_again_sure": "如果之前的请求其实已送达，重新发送可能会再次收费。仍要发送吗？",
    "left": "{left} 秒后自动重新发送。",
    "balance": "账户余额 {amount}",
    "second": "秒",
    "take": "第 {n} 条",
    "again": "换个种子再来",
    "last_frame": "用最后一帧作参考图",
    "recipe": "以代码形式查看此请求",
    "shell": "命令行",
    "history": "您的视频",
    "search": "搜索提示词",
    "history_unknown": "正在查找您的视频……",
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
    "flagged": "服务方将此视频标记为敏感内容",
    "bad_image": "未采用 {name}：{reason}",
    "too_many": "只使用前 {most} 张图片，未采用 {names}。",
    "some_started": "{wanted} 条中只开始了 {started} 条",
    "gone": "这段视频已不在这里。",
    "details": "程序原文",
    "unsent": "没有发送任何内容，也没有收费。",
    "nothing": "没有创建任务，也没有收费。",
    "refund": "失败的任务会在 3 小时内退款。",
    "maybe": "可能已经收费。",
    "probably": "很可能已经收费。",
    "free": "没有收费。",
}

FAULTS: Final = {
    "MissingKey": ("需要 WaveSpeedAI 密钥", "unsent", "请在“更多设置”中填写您自己的密钥，或选择免费预览。"),
    "InvalidRequest": ("有一项不符合要求", "unsent", ""),
    "prompt": (
        "提示词不符合要求",
        "unsent",
        "需填写内容，最多 2000 字，不得含有“--”参数，提到的 [图n] 必须已上传。",
    ),
    "images": ("缺少参考图，或参考图过多", "unsent", "请提供 1 到 4 张参考图。"),
    "duration": ("时长不符合要求", "unsent", "须为 2 到 12 的整数秒。"),
    "seed": ("种子不符合要求", "unsent", "须为 -1 到 2147483647 的整数。"),
    "InvalidImage": (
        "无法使用图片 {name}",
        "unsent",
        "支持 JPEG、PNG、WebP、AVIF、HEIC，每张不超过 10 MB、5000 万像素，每边至少 300 像素，"
        "宽高比 0.4 到 2.5。",
    ),
    "SignInNeeded": (
        "请先登录",
        "unsent",
        "本页自带的密钥只为已登录的访客生成视频，登录按钮在页面顶部。您也可以使用自己的密钥，或生成免费预览。",
    ),
    "LimitReached": (
        "已达到本页所有者设定的上限（{limit}）",
        "unsent",
        "您可以使用自己的密钥，或生成免费预览。",
    ),
    "NotRecorded": ("无法写入记录", "unsent", "请联系本页所有者检查磁盘。"),
    "NotDelivered": ("无法连接到服务方", "nothing", "请检查网络，稍后再试。"),
    "Refused": ("服务方拒绝了请求", "nothing", "原因见下方的程序原文。"),
    "Unauthorized": ("密钥被拒绝", "nothing", "请检查密钥；新账户需先充值一次，密钥才能使用。"),
    "InsufficientCredit": ("账户余额不足", "nothing", "请充值后再试。"),
    "ContentRejected": ("内容未通过审核", "nothing", "请修改提示词或图片。"),
    "RateLimited": ("请求过于频繁", "nothing", "请一分钟后再试。"),
    "NotFound": ("服务方不认识这个任务", "maybe", ""),
    "ModelUnavailable": (
        "服务方不再提供此模型",
        "nothing",
        "它可能已下线；本页所有者可以通过 SEEDANCE_MODEL 换一个模型。",
    ),
    "OutcomeUnknown": (
        "无法确定请求是否送达",
        "maybe",
        "请先再查找一次：如果视频正在生成，会被找到并保存在这里。也可以查看服务方的历史记录。",
    ),
    "TaskFailed": ("没有生成视频", "refund", "请再试一次，或修改提示词和图片。"),
    "TaskRejected": ("内容未通过审核", "refund", "请修改提示词或图片。"),
    "VideoLost": ("视频已生成，但无法取得", "probably", "请凭任务编号联系服务方。"),
    "stopped": ("已停止等待", "", "服务方无法取消任务：它可能仍会完成并收费；完成后视频会保存在这里。"),
    "stopped_early": ("在发送之前已停止", "free", ""),
    "waiting": ("", "", "遇到暂时的问题，程序会自动继续。"),
    "other": ("出现了问题", "", "详情见下方的程序原文。"),
}
"""Of each error, by its class or field: what happened, what it costs (a key of `TEXTS`), what to do."""

REASONS: Final = {
    "the file is empty.": "文件是空的。",
    "{size} MB; at most {most} MB are allowed.": "文件为 {size} MB，最多允许 {most} MB。",
    "{size} is {pixels} megapixels; at most {most} are allowed.": (
        "{size} 相当于 {pixels} 百万像素，最多允许 {most} 百万像素。"
    ),
    "{size} pixels is too small; each side must have at least {least}.": (
        "{size} 像素太小，每边至少需要 {least} 像素。"
    ),
    "{size} is too {long}; width to height must be between {least} and {most}.": (
        "{size} 的宽高比不合适，须在 {least} 到 {most} 之间。"
    ),
    "not an image of a known kind; use JPEG, PNG, WebP, AVIF or HEIC.": (
        "不是支持的图片格式，请使用 JPEG、PNG、WebP、AVIF 或 HEIC。"
    ),
    "the image is cut short or damaged.": "图片不完整或已损坏。",
    "the image is damaged and cannot be decoded.": "图片已损坏，无法解码。",
    "the image cannot be decoded: it is damaged, or needs too much memory.": (
        "图片无法解码：已损坏，或所需内存过多。"
    ),
    "the image cannot be decoded: it took too long.": "图片无法解码：耗时过长。",
    "the image needs too much memory to be decoded.": "解码这张图片所需的内存过多。",
    "a rare kind of JPEG that browsers do not show; save it again as a plain JPEG.": (
        "这是浏览器不支持的少见 JPEG，请另存为普通 JPEG。"
    ),
    "a progressive JPEG of {scans} scans at {pixels} megapixels; at most {most} scans are allowed at this "
    "size. Save it as a plain JPEG.": (
        "这是 {pixels} 百万像素、{scans} 次扫描的渐进式 JPEG，此尺寸最多允许 {most} 次，请另存为普通 JPEG。"
    ),
    "it holds too much besides the picture; save it again as a plain JPEG.": (
        "除画面外的内容过多，请另存为普通 JPEG。"
    ),
    "its pieces have {pixels} megapixels in all; save it again as JPEG.": (
        "各分块共有 {pixels} 百万像素，请另存为 JPEG。"
    ),
    "its picture is in a rare format; save it again as JPEG.": "画面采用了少见的编码，请另存为 JPEG。",
    "its picture is made of pictures that are made of pictures; save it again as JPEG.": (
        "画面由层层拼接而成，请另存为 JPEG。"
    ),
    "it is put together from more than {most} pieces; save it again as JPEG.": (
        "由超过 {most} 个分块拼成，请另存为 JPEG。"
    ),
    "it is in too many pieces; save it again as JPEG.": "分块过多，请另存为 JPEG。",
    "it is in too many pieces; save it again as a plain {kind}.": "分块过多，请另存为普通 {kind}。",
    "the file cannot be read ({why}).": "文件无法读取（{why}）。",
    "it cannot be checked now: no process could be started for it.": "暂时无法检查：无法启动所需的进程。",
    "it was not uploaded here; upload the image first.": "图片没有上传到这里，请先上传。",
}
"""Of each reason why an image is left out, with its gaps: the same in Chinese."""
