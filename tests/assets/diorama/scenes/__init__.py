"""The scenes, by the name of their file."""

from .balloon import balloon
from .boat import boat
from .desert import desert
from .forest import forest
from .fox import fox
from .lighthouse import lighthouse
from .robot import robot
from .teapot import teapot

SCENES = {scene.__name__: scene for scene in (robot, fox, balloon, teapot, boat, lighthouse, forest, desert)}
