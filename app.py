"""The Space's entry: opens the page. `python app.py` does the same on any machine."""

if __name__ == "__main__":  # render workers import this module too and must not load Gradio
    from seedance.page import launch

    launch()
