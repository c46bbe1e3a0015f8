from __future__ import annotations

import pytest

from seedance.engine.camera_words import asks, handheld
from seedance.engine.clauses import clauses
from seedance.engine.joints import joints
from seedance.engine.looks import mood, weather

MOVES = [
    ("slow push in on the lighthouse", ["slow push in"]),
    ("The camera zooms slowly into her eyes", ["slow zoom in"]),
    ("dolly in", ["push in"]),
    ("zoom-in", ["zoom in"]),
    ("zoom", ["zoom in"]),
    ("Zoom in the face", ["zoom in"]),
    ("zoom right in", ["zoom in"]),
    ("a crash zoom on the clock", ["fast zoom in"]),
    ("zoom out to reveal the valley", ["zoom out"]),
    ("slowly zooming all the way out", ["slow zoom out"]),
    ("The camera pulls back", ["pull out"]),
    ("pull the camera back quickly", ["fast pull out"]),
    ("push the camera forward", ["push in"]),
    ("The lighthouse at dusk with a gentle push-in", ["slow push in"]),
    ("lighthouse at dusk zoom in", ["zoom in"]),
    ("camera moves closer to the teapot", ["push in"]),
    ("move in closer", ["push in"]),
    ("the camera dollies out", ["pull out"]),
    ("dolly left past the columns", ["truck left"]),
    ("pan left over the roofs", ["pan left"]),
    ("panning slowly to the right", ["slow pan right"]),
    ("pan from the left to the right", ["pan right"]),
    ("pan from right to left", ["pan left"]),
    ("pan from the left", ["pan right"]),
    ("pan from the left of the frame to the right", ["pan right"]),
    ("a slow left-to-right pan", ["slow pan right"]),
    ("fast right-to-left pan", ["fast pan left"]),
    ("leftward pan", ["pan left"]),
    ("pan across the beach to the left", ["pan left"]),
    ("pan across the beach as a man walks to the left", ["pan left|pan right"]),
    ("slow pan", ["slow pan left|pan right"]),
    ("pan right, then pan left", ["pan right", "pan left"]),
    ("pan up to the sky", ["tilt up"]),
    ("tilt up to the stars", ["tilt up"]),
    ("tilt the camera slowly down", ["slow tilt down"]),
    ("tilt from the street up to the towers", ["tilt up"]),
    ("upward tilt", ["tilt up"]),
    ("crane down", ["crane down"]),
    ("a sweeping crane shot", ["crane up|crane down"]),
    ("jib up over the crowd", ["crane up"]),
    ("the camera rises above the forest", ["crane up"]),
    ("the camera slowly descends", ["slow crane down"]),
    ("boom up", ["crane up"]),
    ("truck left", ["truck left"]),
    ("the camera trucks right along the wall", ["truck right"]),
    ("tracking shot alongside the boat", ["truck left|truck right"]),
    ("track right with the runner", ["truck right"]),
    ("the camera glides to the right", ["truck right"]),
    ("orbit left around the robot", ["orbit left"]),
    ("the camera circles around the teapot", ["orbit left|orbit right"]),
    ("arc shot", ["orbit left|orbit right"]),
    ("orbit clockwise", ["orbit left"]),
    ("orbit counter-clockwise around her", ["orbit right"]),
    ("whip pan right", ["fast whip right"]),
    ("whip-pan to the left", ["fast whip left"]),
    ("handheld", ["handheld"]),
    ("hand-held camera, pan left", ["handheld", "pan left"]),
    ("shaky cam", ["handheld"]),
    ("static shot of a street", ["still"]),
    ("the camera stays completely still", ["still"]),
    ("locked-off camera", ["still"]),
    ("no camera movement", ["still"]),
    ("The camera does not move", ["still"]),
    ("fast zoom in on a slow boat", ["fast zoom in"]),
    ("slow zoom in on a fast car", ["slow zoom in"]),
    ("push in and pan left", ["push in", "pan left"]),
    ("no zoom", ["no zoom in"]),
    ("don't pan", ["no pan left|pan right"]),
    ("do not zoom in", ["no zoom in"]),
    ("no zoom or pan", ["no zoom in", "no pan left|pan right"]),
    ("do not zoom but pan left", ["no zoom in", "pan left"]),
    ("don't zoom, tilt up", ["no zoom in", "tilt up"]),
    ("without zooming out", ["no zoom out"]),
    ("I don't want the camera to zoom in", ["no zoom in"]),
    ("no one on the beach, slow push in", ["slow push in"]),
    ("镜头缓缓推近", ["slow push in"]),
    ("镜头推进", ["push in"]),
    ("快速推近人物", ["fast push in"]),
    ("镜头拉远", ["pull out"]),
    ("镜头慢慢拉远\uff0c露出山谷", ["slow pull out"]),
    ("镜头向左平移", ["truck left"]),
    ("镜头向右摇", ["pan right"]),
    ("左摇", ["pan left"]),
    ("镜头从左到右摇", ["pan right"]),
    ("从右向左平移", ["truck left"]),
    ("镜头缓慢上摇", ["slow tilt up"]),
    ("向下摇", ["tilt down"]),
    ("镜头缓缓上升", ["slow crane up"]),
    ("镜头环绕主体", ["orbit left|orbit right"]),
    ("顺时针环绕", ["orbit left"]),
    ("手持拍摄", ["handheld"]),
    ("固定镜头", ["still"]),
    ("甩镜头", ["fast whip left|whip right"]),
    ("不要推近", ["no push in"]),
    ("没有变焦", ["no zoom in"]),
    ("无人机镜头向左摇", ["pan left"]),
    ("先推近\uff0c然后向右摇", ["push in", "pan right"]),
    ("gentle parallax, soft light, slow drift to the left", ["slow truck left"]),
    ("Slowly zoom out from the fox to reveal the snowy forest", ["slow zoom out"]),
    ("the camera tracks left as the boy runs to the right", ["truck left"]),
    ("The balloon rises and the camera follows it up", ["crane up"]),
    ("镜头围绕茶壶缓慢旋转", ["slow orbit left|orbit right"]),
    ("镜头慢慢向右移动\uff0c不要缩放", ["slow truck right"]),
]
NO_MOVES = [
    "a frying pan left on the stove",
    "a pan left on the stove",
    "dolls in a shop",
    "Dolly Parton sings",
    "she is still smiling",
    "Peter Pan flies left",
    "a crane lifts a beam up",
    "a crane down by the river",
    "paper cranes and a red truck left behind",
    "a truck left the road",
    "push in the door",
    "a man pushes in the door",
    "he pulls out a sword",
    "a train pulling out of the station",
    "pull back the curtain",
    "she tilts her head up",
    "cars zoom past",
    "a zoom call",
    "the moon orbits the earth",
    "a space station in orbit",
    "a kite drifting to the left",
    "the boat moves slowly to the right",
    "static electricity in her hair",
    "tilt-shift miniature",
    "a still life with fruit",
    "a handheld fan",
    "train tracks to the left of the house",
    "she whips her hair",
    "群山环绕的湖",
    "推开门",
    "船向左驶去",
    "一个平底锅",
    "birds fly up into the sky",
    "the dancer spins around",
    "dust pan",
    "leaves move in the wind",
    "a woman turns to the left",
    "He follows the path up",
    "The balloon rises slowly",
    "the woman pans the camera",
    "a man zooms in on his phone",
    "kids slide down the hill",
]
JOINTS = [
    ("cut to [Image 2]", ["cut"]),
    ("hard cut", ["cut"]),
    ("cut", ["cut"]),
    ("jump cuts", ["cut"]),
    ("quick cuts between the photos", ["cut"]),
    ("cutting back to the fox", ["cut"]),
    ("smash cut to the boat", ["cut"]),
    ("fade to black", ["fade"]),
    ("fade", ["fade"]),
    ("with a slow fade", ["fade"]),
    ("dip to black", ["fade"]),
    ("fade through black", ["fade"]),
    ("fade to [Image 2]", ["dissolve"]),
    ("crossfade", ["dissolve"]),
    ("cross-dissolve to the boat", ["dissolve"]),
    ("dissolve", ["dissolve"]),
    ("slow dissolve", ["dissolve"]),
    ("dissolve into [Image 2]", ["dissolve"]),
    ("[Image 1] dissolves into [Image 2]", ["dissolve"]),
    ("[Image 1] then dissolves to the next image", ["dissolve"]),
    ("wipe left", ["wipe left"]),
    ("wipe from left to right", ["wipe right"]),
    ("a wipe from the right", ["wipe left"]),
    ("wipe up to [Image 2]", ["wipe up"]),
    ("wipe transition", ["wipe right"]),
    ("wipe", ["wipe right"]),
    ("wipe down", ["wipe down"]),
    ("morph into [Image 2]", ["morph"]),
    ("[Image 1] transforms into [Image 2]", ["morph"]),
    ("[Image 1] slowly turns into [Image 2]", ["morph"]),
    ("[Image 1] becomes [Image 2]", ["morph"]),
    ("match cut to the moon", ["match zoom"]),
    ("match zoom", ["match zoom"]),
    ("zoom transition", ["match zoom"]),
    ("切到[图2]", ["cut"]),
    ("镜头切换", ["cut"]),
    ("硬切", ["cut"]),
    ("淡入淡出", ["fade"]),
    ("溶解到下一张", ["dissolve"]),
    ("叠化", ["dissolve"]),
    ("向左擦除", ["wipe left"]),
    ("[图1]变成[图2]", ["morph"]),
    ("匹配剪辑", ["match zoom"]),
    ("cut flowers in a vase", []),
    ("a cut on his hand", []),
    ("a fresh haircut", []),
    ("he cuts the bread", []),
    ("vegetables cut to pieces", []),
    ("faded jeans", []),
    ("the light fades slowly", []),
    ("fading light", []),
    ("sugar dissolves in tea", []),
    ("she wipes the table", []),
    ("windshield wipers", []),
    ("no cuts", []),
    ("without a fade", []),
    ("fade to black at the end", []),
    ("切菜", []),
    ("don't cut to another shot", []),
    ("不要切换", []),
    ("no dissolves", []),
    ("colours fade", []),
    ("a boat with wipers", []),
]
MOODS = [
    ("a fox at golden hour", "golden hour"),
    ("film noir", "noir"),
    ("in black and white", "black and white"),
    ("black and white photography", "black and white"),
    ("Black and white.", "black and white"),
    ("monochrome", "black and white"),
    ("vintage film look", "vintage"),
    ("sepia", "vintage"),
    ("cold tones", "cold"),
    ("cool blue light", "cold"),
    ("warm light", "warm"),
    ("warm, cozy tones", "warm"),
    ("warm golden glow", "warm"),
    ("a dreamy forest", "dreamy"),
    ("the street at night", "night"),
    ("moonlit sea", "night"),
    ("night", "night"),
    ("黄金时刻的海", "golden hour"),
    ("黑白电影", "black and white"),
    ("复古风格", "vintage"),
    ("冷色调", "cold"),
    ("暖色调", "warm"),
    ("梦幻般的森林", "dreamy"),
    ("城市夜景", "night"),
    ("a knight in armour", None),
    ("a warm smile", None),
    ("a warm coat", None),
    ("a cold drink", None),
    ("a black and white cat", None),
    ("a vintage car", None),
    ("pinot noir", None),
    ("good night", None),
    ("a nightgown", None),
    ("dreamy eyes", None),
    ("not at night", None),
    ("no warm light", None),
    ("not black and white photography", None),
    ("last night", None),
    ("黑白相间的猫", None),
    ("不要黑白电影", None),
    ("a nightingale sings", None),
    ("warm up", None),
    ("golden retriever", None),
    ("opening night", None),
]
WEATHERS = [
    ("in the rain", "rain"),
    ("it is raining", "rain"),
    ("light drizzle", "rain"),
    ("snow falls", "snow"),
    ("snowing", "snow"),
    ("a fox in the snow", "snow"),
    ("with falling snow", "snow"),
    ("gentle snowfall", "snow"),
    ("dust motes in the light", "dust"),
    ("floating dust", "dust"),
    ("a foggy morning", "fog"),
    ("mist over the lake", "fog"),
    ("god rays", "light rays"),
    ("rays of light through the trees", "light rays"),
    ("sunbeams", "light rays"),
    ("film grain", "film grain"),
    ("grainy look", "film grain"),
    ("下雨的街道", "rain"),
    ("大雪纷飞", "snow"),
    ("晨雾", "fog"),
    ("尘埃在光中飞舞", "dust"),
    ("丁达尔光", "light rays"),
    ("胶片颗粒", "film grain"),
    ("雨中的灯塔", "rain"),
    ("雪花飘落", "snow"),
    ("a snow leopard", None),
    ("rain coat", None),
    ("a raincoat", None),
    ("rainbow", None),
    ("rain boots", None),
    ("rainforest", None),
    ("snow-capped mountains", None),
    ("covered in snow", None),
    ("a snowman", None),
    ("snow globe", None),
    ("no rain", None),
    ("without fog", None),
    ("dust jacket", None),
    ("covered in dust", None),
    ("stardust", None),
    ("fog lights", None),
    ("a foggy memory", None),
    ("grain field", None),
    ("wood grain", None),
    ("no fog or rain", None),
    ("after the rain", None),
    ("manta rays", None),
    ("the train", None),
    ("没有雨", None),
    ("不要下雪", None),
    ("misty eyes", None),
    ("drain", None),
    ("not snowing", None),
    ("no film grain", None),
    ("Snow White", None),
    ("the snow melts", None),
    ("a snowy forest", None),
]


def told(prompt: str) -> list[str]:
    """Say what a prompt asks of the camera: "no" before what it forbids, "|" between what it leaves open."""
    found = []
    for clause in clauses(prompt):
        for ask in asks(clause.text):
            pace = "" if ask.pace == "steady" else f"{ask.pace} "
            found.append("no " * ask.forbidden + pace + "|".join(ask.gestures))
        found += ["handheld"] * handheld(clause.text)
    return found


@pytest.mark.parametrize(("prompt", "wanted"), MOVES)
def test_camera_words_are_moves(prompt: str, wanted: list[str]) -> None:
    """Each verb of the camera is its move, with its side and its pace, in the order they are told."""
    assert told(prompt) == wanted


@pytest.mark.parametrize("prompt", NO_MOVES)
def test_what_happens_in_the_scene_does_not_move_the_camera(prompt: str) -> None:
    """A frying pan, a crane by the river or a train pulling out are no moves."""
    assert told(prompt) == []


@pytest.mark.parametrize(("prompt", "wanted"), JOINTS)
def test_words_between_images_are_transitions(prompt: str, wanted: list[str]) -> None:
    """Cuts, fades, dissolves, wipes, morphs and match cuts, but no cut flowers and nothing that is denied."""
    assert [joint.transition for clause in clauses(prompt) for joint in joints(clause.text)] == wanted


@pytest.mark.parametrize(("prompt", "wanted"), MOODS)
def test_a_mood_is_a_word_about_the_look(prompt: str, wanted: str | None) -> None:
    """Warm light is a mood, a warm smile is not, and what is denied is none."""
    assert mood(prompt) == wanted


@pytest.mark.parametrize(("prompt", "wanted"), WEATHERS)
def test_a_weather_is_in_the_air(prompt: str, wanted: str | None) -> None:
    """Falling snow is weather; a snow leopard, a rain coat and what is denied are not."""
    assert weather(prompt) == wanted


def test_the_first_look_that_is_named_counts() -> None:
    """A video has one mood and one weather: those the prompt tells first."""
    assert mood("at night, in warm light") == "night"
    assert weather("no rain, fog and snow") == "fog"


def test_clauses_end_at_punctuation_and_before_words_of_sequence() -> None:
    """Full stops begin a sentence, commas do not, a point in a number does neither."""
    parts = clauses("zoom 1.5 times, then pan. 推近\uff0c然后左摇")
    assert [(part.text.strip(), part.sentence, part.follows) for part in parts] == [
        ("zoom 1.5 times", 0, False),
        ("pan", 0, True),
        ("推近", 1, False),
        ("左摇", 1, True),
    ]


@pytest.mark.parametrize("words", ["pan ", "zoom in ", "morph into the ", "[Image 1] cut to ", "x", "\u5de6"])
def test_a_clause_without_an_end_is_broken(words: str) -> None:
    """No clause is longer than 300 characters, none is empty, and none is lost: reading stays quick."""
    prompt = (words * 2000)[:2000]
    parts = clauses(prompt)
    assert max(len(part.text) for part in parts) <= 300
    assert "".join(part.text for part in parts).split() == prompt.split() or " " not in prompt
    assert sum(len(part.text) for part in parts) >= 1999
