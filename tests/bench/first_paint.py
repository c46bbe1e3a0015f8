"""Time how soon the page is there, beside bare Gradio pages: first paint, and time to interactive.

All are opened in turns in the same browser, each time as a new visitor with an empty cache. One bare page has
the same kinds of components as ours, one token that the browser keeps and one event at the start, and nothing
else of it; the smallest has a Textbox, a Video and a Button. First paint is the browser's first contentful
paint. Interactive is a page whose main button is there and enabled and whose main thread is free: the end of
the last long task (50 ms) before the first `QUIET` milliseconds without one. What is told are medians, in
milliseconds since the navigation began.

Usage: python -m tests.bench.first_paint [--loads 25]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

import gradio as gr
from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import address, free_port, start
from tests.page.conftest import ARGUMENTS, CHROMIUM

QUIET = 1000  # ms
PAGES = {
    "ours": ("app.py",),
    "same parts": ("-m", "tests.bench.first_paint", "--bare", "same"),
    "three parts": ("-m", "tests.bench.first_paint", "--bare", "three"),
}
MEASURES = {"first": "first paint", "ready": "interactive", "kB": "kB fetched"}

_WATCH = f"""() => {{
  const seen = window.seen = {{first: 0, there: 0, long: [], ready: 0, kB: 0}};
  new PerformanceObserver(list => {{
    for (const it of list.getEntries()) if (it.name === 'first-contentful-paint') seen.first = it.startTime;
  }}).observe({{type: 'paint', buffered: true}});
  new PerformanceObserver(list => {{
    for (const it of list.getEntries()) seen.long.push([it.startTime, it.duration]);
  }}).observe({{type: 'longtask', buffered: true}});
  const look = () => {{
    const button = document.querySelector('#generate');
    const box = document.querySelector('#prompt textarea');
    const now = performance.now();
    if (!seen.there && button && !button.disabled && box && !box.disabled) seen.there = now;
    const last = Math.max(seen.there, ...seen.long.map(([at, took]) => at + took));
    if (seen.there && seen.first && now - last > {QUIET}) {{
      const files = ['navigation', 'resource'].flatMap(it => performance.getEntriesByType(it));
      seen.kB = files.reduce((sum, it) => sum + it.transferSize, 0) / 1000;
      seen.ready = last;
    }} else setTimeout(look, 20);
  }};
  look();
}}"""


def bare(kind: str) -> None:
    """Serve a bare page until it is ended."""
    with gr.Blocks() as page:
        if kind == "three":
            gr.Video(interactive=False)
            box, button = _main()
        else:
            gr.HTML("Title")
            with gr.Row():
                with gr.Column():
                    gr.Gallery(interactive=True)
                    box, button = _main()
                    with gr.Group():
                        with gr.Row():
                            gr.Slider(2, 12, 5, step=1, label="Duration")
                            gr.Slider(1, 4, 1, step=1, label="Takes")
                        gr.Slider(-1, 2**31 - 1, -1, step=1, label="Seed")
                        gr.Checkbox(label="Fixed camera")
                    with gr.Accordion("More", open=False):
                        gr.Textbox(label="Key", type="password")
                with gr.Column():
                    gr.Video(interactive=False)
                    status = gr.HTML("Ready")
            gr.HTML("History")
            token = gr.BrowserState("", storage_key="visitor", secret="visitor")
            page.load(lambda token: "Ready", token, status)
        button.click(lambda words: None, box, None)
    page.launch()


def _main() -> tuple[gr.Textbox, gr.Button]:
    box = gr.Textbox(label="Prompt", lines=3, elem_id="prompt")
    return box, gr.Button("Generate", variant="primary", elem_id="generate")


def load(browser: Browser, url: str) -> dict[str, float]:
    """Open a page as a new visitor, and return what was seen of it."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        tab: Page = context.new_page()
        tab.add_init_script(f"({_WATCH})()")
        tab.goto(url, wait_until="commit")
        tab.wait_for_function("window.seen?.ready > 0", timeout=60_000)
        seen: dict[str, float] = tab.evaluate("window.seen")
        return seen
    finally:
        context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--loads", type=int, default=25)
    parser.add_argument("--bare", choices=["same", "three"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        return bare(options.bare)
    seen: dict[str, list[dict[str, float]]] = {name: [] for name in PAGES}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = {}
        for name, arguments in PAGES.items():
            house = {"SEEDANCE_DATA_DIR": f"{folder}/house", "GRADIO_TEMP_DIR": f"{folder}/{name}"}
            house |= {"GRADIO_SERVER_PORT": str(free_port()), "GRADIO_ANALYTICS_ENABLED": "False"}
            log = folder / f"{name}.log"
            process = start(arguments, log, house)
            stack.callback(process.wait, 30)
            stack.callback(process.terminate)
            urls[name] = address(process, log)
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        stack.callback(browser.close)
        for n in range(options.loads + 1):
            for name, url in urls.items():
                found = load(browser, url)
                if n:  # the first warms the server and the browser
                    seen[name].append(found)
    print(f"{options.loads} loads each, gradio {gr.__version__}, load {os.getloadavg()[0]:.1f}")
    for key, words in MEASURES.items():
        ours, *others = (statistics.median(one[key] for one in seen[name]) for name in PAGES)
        beside = (
            f"{name} {it:.0f} ({ours / it:.2f}×)" for name, it in zip([*PAGES][1:], others, strict=True)
        )
        print(f"{words}: {ours:.0f}; bare, {', '.join(beside)}")
    return None


if __name__ == "__main__":
    main()
