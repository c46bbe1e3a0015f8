from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest

from seedance.engine.director import FRAME_SIZES, direct, frame_size
from seedance.engine.storyboard import FPS, SURROUND_SHARE, Shot, Storyboard

WIDE, SQUARE, TALL, LARGE = (1600, 900), (1000, 1000), (900, 1600), (3840, 2160)


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
        ("slow push in on the lighthouse", "slow push in"),
        ("dolly in", "push in"),
        ("zoom out to reveal the valley", "zoom out"),
        ("pan from right to left", "pan left"),
        ("crane down", "crane down"),
        ("fast pan right", "fast pan right"),
        ("push in and pan left", "push in and pan left"),
        ("the camera stays completely still", "still"),
        ("\u955c\u5934\u7f13\u7f13\u63a8\u8fd1", "slow push in"),
    ],
)
def test_the_camera_does_what_the_prompt_says(prompt: str, wanted: str) -> None:
    """What the prompt asks is done and named, whatever the seed."""
    assert {gestures(plan(prompt, seed=seed))[0] for seed in range(4)} == {wanted}


def test_words_without_a_side_leave_it_to_the_seed() -> None:
    """An orbit or a pan across may go either way, and goes one of them."""
    assert {gestures(plan("orbit", seed=s))[0] for s in range(20)} == {"orbit left", "orbit right"}
    assert {gestures(plan("pan across", seed=s))[0] for s in range(20)} == {"pan left", "pan right"}


@pytest.mark.parametrize(
    "prompt", ["dolls in a shop", "a frying pan left on the stove?", "do not tilt up", "she is still smiling"]
)
def test_other_words_do_not_move_the_camera(prompt: str) -> None:
    """What only looks like a camera word, or is negated, leaves the move to the seed."""
    drawn = {gestures(plan(prompt, seed=seed))[0] for seed in range(30)}
    assert drawn == {gestures(plan("", seed=seed))[0] for seed in range(30)}


@pytest.mark.parametrize(
    ("prompt", "never"),
    [("no zoom", {"push in", "pull out", "orbit left"}), ("don't pan", {"pan left", "orbit right"})],
)
def test_what_is_forbidden_is_not_drawn(prompt: str, never: set[str]) -> None:
    """A denied word rules out its whole family of moves, and what remains still moves."""
    drawn = {
        gesture for seed in range(30) for gesture in gestures(plan(prompt, [WIDE, (2000, 900)], seed=seed))
    }
    assert not drawn & never
    assert drawn - {"still"}


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


def tops(shot: Shot, aspect: float) -> list[float]:
    """List how much of the picture lies above each frame of the shot."""
    views = [shot.view(frame) for frame in range(shot.first, shot.end)]
    return [view.y - view.extent(aspect)[1] / 2 for view in views]


@pytest.mark.parametrize("prompt", ["static shot", "push in", "pull out", "orbit", "fast zoom in"])
def test_a_portrait_keeps_its_head(prompt: str) -> None:
    """Nothing is lost at the top of a portrait, whatever the crop and however near the camera comes."""
    storyboard = plan(prompt, [SQUARE, (2000, 2500)])
    assert max(tops(storyboard.shots[1], 0.8)) == pytest.approx(0)


@pytest.mark.parametrize("prompt", ["static shot", "push in", "pull out", "pan left"])
def test_a_crop_takes_from_the_bottom(prompt: str) -> None:
    """A 4:3 picture in a 16:9 frame loses nothing at the top, and little even where the camera is nearest."""
    found = tops(plan(prompt, [WIDE, (2400, 1800)]).shots[1], 0.75)
    assert min(found) == pytest.approx(0, abs=0.015)
    assert max(found) < 0.02


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
        move = plan("push in", [LARGE], duration=duration).shots[0].move
        amounts.append(math.log(move.end.zoom / move.start.zoom))
        assert amounts[-1] / duration < 0.07
    assert amounts == sorted(amounts)
    assert amounts[-1] <= math.log(1.2) + 1e-9


@pytest.mark.parametrize("move", ["push in", "pull out", "pan left", "tilt up"])
def test_slow_and_fast_are_plain_to_see(move: str) -> None:
    """A fast move goes more than half as far again as a plain one, a slow one less than three quarters."""

    def way(pace: str) -> float:
        found = plan(f"{pace} {move}", [LARGE], duration=3).shots[0].move
        zoom = abs(math.log(found.end.zoom / found.start.zoom))
        return zoom + math.hypot(found.end.x - found.start.x, found.end.y - found.start.y) * (zoom == 0)

    assert way("slow") < 0.75 * way("")
    assert way("fast") > 1.5 * way("")


def test_a_small_picture_is_not_magnified_until_it_is_soft() -> None:
    """A zoom stops at 1.3 pixels of the frame for one of the picture; a tiny picture is not cropped."""
    small, tiny = (plan("fast zoom in", [WIDE, size]).shots[1] for size in ((1248, 704), (480, 270)))
    assert small.move.end.zoom == pytest.approx(1.3)
    assert tiny.fit == "surround"


@pytest.mark.parametrize(
    ("size", "fit"),
    [(TALL, "surround"), (SQUARE, "surround"), ((1200, 900), "cover"), ((2600, 900), "cover")],
)
def test_a_crop_that_would_lose_too_much_gives_way_to_a_surround(size: tuple[int, int], fit: str) -> None:
    """In a 16:9 frame a square or a portrait is shown whole, 4:3 and 2.9:1 are cropped."""
    assert plan(sizes=[WIDE, size]).shots[1].fit == fit


@pytest.mark.parametrize("prompt", ["push in", "pull out", "orbit", ""])
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


@pytest.mark.parametrize(("prompt", "size"), [("pan left", (4000, 900)), ("tilt up", (1600, 3000))])
def test_a_journey_along_a_long_picture_fills_the_frame(prompt: str, size: tuple[int, int]) -> None:
    """What a crop would lose, a pan over a panorama or a tilt up a tower shows."""
    shot = plan(prompt, [WIDE, size]).shots[1]
    assert shot.fit == "cover"
    assert math.hypot(shot.move.end.x - shot.move.start.x, shot.move.end.y - shot.move.start.y) > 0.05


def test_a_first_mention_after_a_transition_leaves_room_for_what_comes_before() -> None:
    """An image that is cut to is not the first one shown."""
    assert [shot.image for shot in plan("push in. Cut to [Image 2]", [WIDE] * 2).shots] == [0, 1]


def test_more_words_earn_more_time() -> None:
    """An image described at length, or mentioned twice, is shown longer; none is squeezed out."""
    long = "[Image 1] a keeper climbs the stairs of the old lighthouse with a lamp in one hand and a letter"
    for prompt in (
        f"{long}. [Image 2] the sea",
        "[Image 1] a boat. [Image 2] the sea. [Image 1] a boat again",
    ):
        first, second = plan(prompt, [WIDE] * 2).shots
        ratio = (first.end - first.first) / (second.end - second.first)
        assert 1.1 < ratio < 2


@pytest.mark.parametrize(
    ("prompt", "count", "transitions"),
    [
        ("", 3, ["dissolve", "dissolve"]),
        ("fade to black", 3, ["fade", "fade"]),
        ("fast-paced montage", 3, ["cut", "cut"]),
        ("a fox, cut to a boat, then fade to a lighthouse, wipe left", 4, ["cut", "dissolve", "wipe left"]),
        ("[Image 1] push in. Cut to [Image 2]. Dissolve to [Image 3]", 3, ["cut", "dissolve"]),
        ("Morph from [Image 1] into [Image 2], then [Image 3]", 3, ["morph", "dissolve"]),
        ("[Image 1] turns into [Image 2]", 2, ["morph"]),
        ("[Image 1] fades to black, [Image 2], [Image 3]", 3, ["fade", "dissolve"]),
        ("[Image 1], then [Image 2] with a wipe from the right", 2, ["wipe left"]),
        ("[Image 1] [Image 2] [Image 3] with hard cuts", 3, ["cut", "cut"]),
        ("whip pan right to [Image 2]", 2, ["cut"]),
        ("[\u56fe1]\u53d8\u6210[\u56fe2]", 2, ["morph"]),
    ],
)
def test_transitions_are_those_of_their_place(prompt: str, count: int, transitions: list[str]) -> None:
    """A transition stands between the images that the prompt names around it; alone it is everyone's."""
    assert [shot.transition for shot in plan(prompt, [WIDE] * count, duration=8).shots[1:]] == transitions


def test_moves_one_after_the_other_over_one_image_are_one_journey() -> None:
    """The second move goes on where the first comes to rest: no jump in place or speed."""
    before, after = plan("push in, then pan left", duration=6).shots
    assert (before.gesture, after.gesture) == ("push in", "pan left")
    assert (before.move.end, before.move.arrive, after.move.depart) == (after.move.start, 0.0, 0.0)
    assert after.move.end.x < after.move.start.x - 0.02
    assert (after.transition, before.end) == ("cut", after.first)


def test_a_whip_takes_off_in_one_image_and_lands_in_the_next() -> None:
    """Both rush the same way, one to its end and one from its start, with a cut between."""
    one, two = plan("whip pan left to [Image 2]", [LARGE] * 2).shots
    steps = [
        [abs(shot.view(frame + 1).x - shot.view(frame).x) for frame in range(shot.first, shot.end - 1)]
        for shot in (one, two)
    ]
    assert one.move.end.x < one.move.start.x
    assert two.move.end.x < two.move.start.x
    assert steps[0][-1] == max(steps[0]) > 10 * steps[0][0]
    assert steps[1][0] == max(steps[1]) > 10 * steps[1][-1]


def test_a_fixed_camera_lives_by_its_focus() -> None:
    """Every shot comes into focus; nothing sways, and no depth is asked for."""
    for shot in plan("handheld push in", [WIDE, TALL, SQUARE], camera_fixed=True).shots:
        assert shot.focus is not None
        assert shot.focus.start > shot.focus.end == 0
        assert (shot.shake, shot.depth) == (0, False)


def test_depth_is_asked_for_where_the_camera_travels() -> None:
    """A push, an orbit and a truck have parallax; a zoom, a pan and a picture on a surround have none."""
    for prompt, wanted in (
        ("push in", True),
        ("orbit", True),
        ("truck left", True),
        ("zoom in", False),
        ("pan left", False),
    ):
        first, second = plan(prompt, [WIDE, TALL]).shots
        assert (first.depth, second.depth) == (wanted, False)


def test_a_handheld_camera_sways() -> None:
    """The word reaches all shots, or that of the image it stands with."""
    assert [shot.shake > 0 for shot in plan("handheld", [WIDE] * 2).shots] == [True, True]
    assert [shot.shake > 0 for shot in plan("[Image 1] a fox. [Image 2] handheld", [WIDE] * 2).shots] == [
        False,
        True,
    ]


PIECES = [
    "", "push in", "fast zoom out", "slow pan left", "tilt up, then crane down", "orbit", "truck right",
    "whip pan", "handheld", "static shot", "no zoom", "then cut to", "fade to black", "wipe up",
    "morph into", "match cut", "quick cuts", "at night", "in the rain", "[Image 1]", "[Image 2]",
    "[Image 4]", "镜头推近", "切到", "fast-paced", "slow motion", "and", ".", ",",
]  # fmt: skip


def test_any_prompt_and_images_give_a_sound_storyboard() -> None:
    """Frames without a gap, at most two shots at once, cuts without overlap, every image, views inside."""
    draw = random.Random(4)
    for seed in range(500):
        sizes = []
        for _ in range(draw.randint(1, 4)):
            width, ratio = draw.randint(300, 6000), math.exp(draw.uniform(math.log(0.4), math.log(2.5)))
            sizes.append((width, min(6000, max(300, round(width / ratio)))))
        prompt = " ".join(draw.choices(PIECES, k=draw.randint(0, 8)))
        duration, fixed = draw.randint(2, 12), draw.random() < 0.2
        board = plan(prompt, sizes, duration=duration, camera_fixed=fixed, seed=seed)
        assert board.frames == FPS * duration
        assert {shot.image for shot in board.shots} == set(range(len(sizes)))
        assert {1 <= len(board.layers(frame)) <= 2 for frame in range(board.frames)} == {True}
        assert (board.shots[0].first, board.shots[-1].end) == (0, board.frames)
        for before, after in pairwise(board.shots):
            overlap = before.end - after.first
            assert overlap == 0 if after.transition == "cut" else overlap >= 2
        for shot in board.shots:
            aspect = aspect_of(board, sizes[shot.image]) if shot.fit == "cover" else 1.0
            assert shot.end - shot.first >= 6
            for frame in range(shot.first, shot.end, 3):
                view = shot.view(frame)
                assert view.zoom >= 1 - 1e-9
                assert (
                    view == view.inside(aspect)
                    or math.dist((view.x, view.y), (view.inside(aspect).x, view.inside(aspect).y)) < 1e-9
                )
                assert not fixed or view == shot.move.start
        assert board.describe()
