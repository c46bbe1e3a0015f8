"""The Space's entry: opens the page. `python app.py` does the same on any machine."""

from seedance.page import launch

try:
    import spaces  # there on Hugging Face alone
except ImportError:
    pass
else:

    @spaces.GPU
    def gpu() -> None:
        """Nothing. A free account's Space starts only where a function asks for a GPU."""


if __name__ == "__main__":
    launch()
