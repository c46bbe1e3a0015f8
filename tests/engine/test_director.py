from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest

from seedance.engine.director import FPS, FRAME_SIZES, SURROUND_SHARE, Storyboard, direct, frame_size

WIDE, SQUARE, TALL = (1600, 900), (1000, 1000), (900, 1600)


def plan(
    prompt: str = "",
    sizes: list[tuple[int, int]] | None = None,
    *,
    duration: int = 5,
    camera_fixed: bool = False,
    seed: int = 0,
) -> Storyboard:
    return direct(prompt, sizes or [WIDE], duration=duration, camera_fixed=camera_fixed, seed=seed)


def gestures(storyboard: Storyboard) -> list[str]:
    return [shot.gesture for shot in storyboard.shots]


def aspect_of(storyboard: Storyboard, size: tuple[int, int]) -> float:
    return (size[0] / size[1]) / (storyboard.width / storyboard.height)


@pytest.mark.parametrize("size", FRAME_SIZES)
def test_each_frame_of_the_table_is_its_own_nearest(size: tuple[int, int]) -> None:
    """An image of a frame's ratio gets that frame, at any scale."""
    assert frame_size(*size) == size
    assert frame_size(size[0] * 3, size[1] * 3) == size


@pytest.mark.parametrize(
    ("size", "frame"),
    [
        ((1500, 1000), (1120, 832)),
        ((2000, 1000), (1248, 704)),
        ((800, 1000), (832, 1120)),
        ((650, 1000), (832, 1120)),
        ((100, 1000), (704, 1248)),
        ((1000, 100), (1504, 640)),
    ],
)
def test_other_ratios_get_the_nearest_frame(size: tuple[int, int], frame: tuple[int, int]) -> None:
    """Nearness is one of factors: 0.65 is nearer to 3:4 than to 9:16."""
    assert frame_size(*size) == frame


def test_the_first_image_chooses_the_frame() -> None:
    """The frame follows the first image given, not the first one shown."""
    storyboard = plan("[Image 2] first", [TALL, WIDE])
    assert (storyboard.width, storyboard.height) == (704, 1248)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("duration", [2, 3, 5, 10, 12])
def test_shots_fill_the_video_exactly(count: int, duration: int) -> None:
    """The video has 24 frames a second, each with one image or two in a dissolve, and each image once."""
    storyboard = plan(sizes=[WIDE] * count, duration=duration)
    assert storyboard.frames == FPS * duration
    assert sorted(shot.image for shot in storyboard.shots) == list(range(count))
    assert (storyboard.shots[0].first, storyboard.shots[-1].end) == (0, storyboard.frames)
    for frame in range(storyboard.frames):
        layers = storyboard.layers(frame)
        assert 1 <= len(layers) <= 2
        assert layers[0][1] == 1.0


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("duration", [2, 5, 10])
def test_every_image_gets_the_same_share(count: int, duration: int) -> None:
    """Dissolves counted by opacity, no image has more time than another by more than a frame or so."""
    storyboard = plan(sizes=[WIDE] * count, duration=duration)
    time = [0.0] * count
    for frame in range(storyboard.frames):
        layers = storyboard.layers(frame)
        over = layers[1][1] if len(layers) == 2 else 0.0
        for (shot, _), part in zip(layers, (1 - over, over), strict=False):
            time[shot.image] += part
    assert max(time) - min(time) <= 1.5


@pytest.mark.parametrize(("count", "duration"), [(4, 2), (2, 2), (4, 5), (2, 10), (4, 1)])
def test_a_dissolve_leaves_most_of_a_shot_alone(count: int, duration: int) -> None:
    """A dissolve takes at most 0.85 s and 40 % of an image's share, and is never left out."""
    storyboard = plan(sizes=[WIDE] * count, duration=duration)
    for before, after in pairwise(storyboard.shots):
        dissolve = before.end - after.first
        assert 2 <= dissolve <= min(0.85 * FPS, 0.4 * storyboard.frames / count)


def test_opacity_rises_through_a_dissolve() -> None:
    """The next image comes in by equal steps, without a frame of nothing or of all at either end."""
    storyboard = plan(sizes=[WIDE, WIDE])
    opacities = [layers[1][1] for f in range(storyboard.frames) if len(layers := storyboard.layers(f)) == 2]
    steps = [b - a for a, b in pairwise([0.0, *opacities, 1.0])]
    assert steps == pytest.approx([steps[0]] * len(steps))


@pytest.mark.parametrize(
    ("prompt", "order"),
    [
        ("a day at sea", [0, 1, 2]),
        ("[Image 3] walks into [Image 1]", [2, 0, 1]),
        ("[图2] then [图 2] and [image 1]", [1, 0, 2]),
        ("[Image 9] and [Image 0] do not exist", [0, 1, 2]),
    ],
)
def test_mentioned_images_come_first_in_their_order(prompt: str, order: list[int]) -> None:
    """The prompt's first mentions set the order; the others follow as given."""
    assert [shot.image for shot in plan(prompt, [WIDE] * 3).shots] == order


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("slow push in on the lighthouse", "push in"),
        ("The camera zooms slowly into her eyes", "push in"),
        ("dolly in", "push in"),
        ("zoom-in", "push in"),
        ("镜头缓缓推近", "push in"),
        ("zoom out to reveal the valley", "pull out"),
        ("The camera pulls back", "pull out"),
        ("pan left over the roofs", "pan left"),
        ("panning slowly to the right", "pan right"),
        ("pan from the left to the right", "pan right"),
        ("pan from right to left", "pan left"),
        ("tilt up to the stars", "tilt up"),
        ("crane down", "tilt down"),
        ("static shot of a street", "still"),
        ("the camera stays completely still", "still"),
        ("locked-off camera", "still"),
    ],
)
def test_the_camera_does_what_the_prompt_says(prompt: str, wanted: str) -> None:
    """Each camera word of the table is one move, whatever the seed."""
    assert {gestures(plan(prompt, seed=seed))[0] for seed in range(4)} == {wanted}


def test_words_without_a_side_leave_it_to_the_seed() -> None:
    """An orbit or a pan across may go either way, and goes one of them."""
    assert {gestures(plan("orbit", seed=s))[0] for s in range(20)} == {"orbit left", "orbit right"}
    assert {gestures(plan("pan across", seed=s))[0] for s in range(20)} == {"pan left", "pan right"}


@pytest.mark.parametrize(
    "prompt", ["dolls in a shop", "a frying pan left on the stove?", "do not zoom in", "she is still smiling"]
)
def test_other_words_do_not_move_the_camera(prompt: str) -> None:
    """What only looks like a camera word, or is negated, leaves the move to the seed."""
    drawn = {gestures(plan(prompt, seed=seed))[0] for seed in range(30)}
    assert drawn == {gestures(plan("", seed=seed))[0] for seed in range(30)}


def test_a_move_belongs_to_the_image_of_its_clause() -> None:
    """Moves named with an image are its own; the others draw theirs."""
    shots = plan("Push in on [Image 1], then pan left across [Image 2].", [WIDE] * 2).shots
    assert [shot.gesture for shot in shots] == ["push in", "pan left"]
    shots = plan("[Image 2] pull out. [Image 1] tilt down", [WIDE] * 2).shots
    assert [(shot.image, shot.gesture) for shot in shots] == [(1, "pull out"), (0, "tilt down")]


def test_moves_of_no_image_are_taken_in_turn() -> None:
    """The first move goes to the first shot, the next to the second, the last to all that remain."""
    assert gestures(plan("push in, then pan left", [WIDE] * 3)) == ["push in", "pan left", "pan left"]


def test_a_fixed_camera_does_not_move() -> None:
    """camera_fixed overrules the prompt: every view of a shot is the same."""
    for shot in plan("push in", [WIDE, TALL, SQUARE], camera_fixed=True).shots:
        assert {shot.view(frame) for frame in range(shot.first, shot.end)} == {shot.move.start}


def test_the_same_seed_gives_the_same_storyboard() -> None:
    """A storyboard is a function of its arguments, and seeds differ."""
    boards = [plan(sizes=[WIDE] * 4, seed=seed) for seed in range(8)]
    assert boards == [plan(sizes=[WIDE] * 4, seed=seed) for seed in range(8)]
    assert len({tuple(gestures(board)) for board in boards}) > 3


def test_drawn_neighbours_differ_and_do_not_turn_back() -> None:
    """No move is drawn twice in a row, and no pan goes back over the one before."""
    draw = random.Random(2)
    for seed in range(100):
        sizes = [(draw.randint(300, 3000), draw.randint(600, 1500)) for _ in range(4)]
        for a, b in pairwise(gestures(plan(sizes=sizes, seed=seed))):
            assert a != b
            assert not ({"left", "right"} <= {a.split()[-1], b.split()[-1]})


def test_views_stay_inside_whatever_the_images_and_the_move() -> None:
    """No shot shows anything beyond its picture, for any ratio, move and duration."""
    draw = random.Random(3)
    words = ["", "push in", "pull out", "pan left", "pan right", "tilt up", "tilt down", "orbit"]
    for seed in range(300):
        sizes = [(draw.randint(300, 3000), draw.randint(300, 3000)) for _ in range(draw.randint(1, 4))]
        storyboard = plan(draw.choice(words), sizes, duration=draw.randint(2, 12), seed=seed)
        for shot in storyboard.shots:
            aspect = aspect_of(storyboard, sizes[shot.image]) if shot.fit == "cover" else 1.0
            for view in (shot.move.start, shot.view((shot.first + shot.end) // 2), shot.move.end):
                width, height = view.extent(aspect)
                assert view.zoom >= 1 - 1e-9
                assert width / 2 - 1e-9 <= view.x <= 1 - width / 2 + 1e-9
                assert height / 2 - 1e-9 <= view.y <= 1 - height / 2 + 1e-9


def test_a_crop_keeps_heads() -> None:
    """A picture taller than the frame loses more at the bottom than at the top."""
    for prompt in ("static shot", "push in", "pull out", "pan left"):
        shot = plan(prompt, [WIDE, (1200, 900)]).shots[1]
        height = shot.move.start.extent(0.75)[1]
        top, bottom = shot.move.start.y - height / 2, 1 - shot.move.start.y - height / 2
        assert top < 0.5 * bottom


def test_a_pan_uses_the_slack_there_is() -> None:
    """A picture wider than the frame pans without a zoom, one that fits exactly zooms just enough."""
    wide, exact = (plan("pan right", [WIDE, size], duration=4).shots[1] for size in ((2200, 900), WIDE))
    assert wide.move.start.zoom == wide.move.end.zoom == 1
    assert 1.05 < exact.move.start.zoom < 1.2
    for shot in (wide, exact):
        assert shot.move.start.x < 0.5 < shot.move.end.x
        assert shot.move.start.y == shot.move.end.y


def test_moves_are_gentle_and_longer_in_longer_shots() -> None:
    """Zoom grows with the shot, by 5 to 7 % a second and 20 % at most."""
    amounts = []
    for duration in (1, 2, 3, 5, 12):
        move = plan("push in", duration=duration).shots[0].move
        amounts.append(math.log(move.end.zoom / move.start.zoom))
        assert amounts[-1] / duration < 0.07
    assert amounts == sorted(amounts)
    assert amounts[-1] <= math.log(1.2) + 1e-9


@pytest.mark.parametrize(
    ("size", "fit"),
    [(TALL, "surround"), (SQUARE, "surround"), ((1200, 900), "cover"), ((2600, 900), "cover")],
)
def test_a_crop_that_would_lose_too_much_gives_way_to_a_surround(size: tuple[int, int], fit: str) -> None:
    """In a 16:9 frame a square or a portrait is shown whole, 4:3 and 2.9:1 are cropped."""
    assert plan(sizes=[WIDE, size]).shots[1].fit == fit


@pytest.mark.parametrize("prompt", ["push in", "pull out", "pan left", "pan right", "tilt up", "orbit", ""])
@pytest.mark.parametrize("duration", [3, 12])
def test_a_surround_shows_the_whole_picture_all_the_time(prompt: str, duration: int) -> None:
    """No move in a surround cuts the picture off, not even where it nearly fills the frame."""
    margin = (1 - SURROUND_SHARE) / 2
    for shot in plan(prompt, [WIDE, TALL, (4000, 900)], duration=duration).shots[1:]:
        assert shot.fit == "surround"
        for view in (shot.move.start, shot.move.end):
            width, height = view.extent(1.0)
            assert view.x - width / 2 <= margin + 1e-3
            assert view.y - height / 2 <= margin + 1e-3
            assert view.x + width / 2 >= 1 - margin - 1e-3
            assert view.y + height / 2 >= 1 - margin - 1e-3


def test_a_storyboard_describes_itself() -> None:
    """The words tell times, images in their order, moves and dissolves."""
    told = plan("[Image 2] push in. [Image 1] static shot", [WIDE, TALL], duration=4).describe()
    assert told == (
        "0.0\N{EN DASH}2.3 s image 2, whole on its blurred surround, slow push in; dissolve; "
        "1.7\N{EN DASH}4.0 s image 1, still"
    )
