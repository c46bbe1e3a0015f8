"""The Space's entry: opens the page. `python app.py` does the same on any machine."""

from seedance.page import launch

if __name__ == "__main__":
    launch()
