"""The page and its API endpoints: the only importer of Gradio."""

from seedance.page.launch import launch

__all__ = ["launch"]
