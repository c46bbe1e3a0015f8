from __future__ import annotations

import hashlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from seedance import images
from seedance.errors import InvalidImage
from tests.hostile.heifs import Item, box, full, heif, one

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
UPRIGHT = Image.new("RGB", (400, 600), RED)
UPRIGHT.paste(BLUE, (0, 0, 400, 300))  # a blue sky


def cleaned(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(images.clean(path).data))


def close(pixel: object, wanted: tuple[int, int, int]) -> bool:
    return isinstance(pixel, tuple) and all(abs(a - b) <= 6 for a, b in zip(pixel, wanted, strict=True))


def lying(orientation: int) -> Image.Image:
    """Return `UPRIGHT` as a camera stores it that notes this EXIF orientation (6 and 8: on its side)."""
    turn = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    return UPRIGHT.transpose(turn[orientation])


def refusal(path: Path, name: str | None = None) -> str:
    with pytest.raises(InvalidImage) as caught:
        images.clean(path, name)
    assert caught.value.name == (name or path.name)
    assert str(caught.value).startswith(f"{name or path.name}: ")
    return caught.value.reason


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.jpg", "JPEG"), ("a.png", "PNG"), ("a.webp", "WEBP"), ("a.avif", "AVIF"), ("a.heic", "HEIF")],
)
def test_every_promised_format_is_read(tmp_path: Path, name: str, kind: str) -> None:
    """JPEG, PNG, WebP, AVIF and HEIC come out as plain JPEG of the same size and colours."""
    UPRIGHT.save(tmp_path / name, kind)
    image = images.clean(tmp_path / name)
    picture = Image.open(io.BytesIO(image.data))
    assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (400, 600))
    assert (image.name, image.width, image.height, image.content_type) == (name, 400, 600, "image/jpeg")
    assert image.sha256 == hashlib.sha256(image.data).hexdigest()
    assert close(picture.getpixel((20, 20)), BLUE)
    assert close(picture.getpixel((20, 580)), RED)


@pytest.mark.parametrize("orientation", [3, 6, 8])
@pytest.mark.parametrize(("name", "kind"), [("a.jpg", "JPEG"), ("a.webp", "WEBP"), ("a.avif", "AVIF")])
def test_a_picture_on_its_side_is_turned_upright(
    tmp_path: Path, name: str, kind: str, orientation: int
) -> None:
    """The camera's note how it was held is followed, then gone."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying(orientation).save(tmp_path / name, kind, exif=exif)
    picture = cleaned(tmp_path / name)
    assert picture.size == (400, 600)
    assert close(picture.getpixel((20, 20)), BLUE)
    assert close(picture.getpixel((380, 580)), RED)
    assert not picture.getexif()


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
@pytest.mark.parametrize("side", [None, 450])
def test_the_size_is_known_before_the_pixels(
    tmp_path: Path, kind: str, orientation: int, side: int | None
) -> None:
    """It is what the decoded picture has, turned and reduced, but for a pixel."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a"
    (lying(orientation) if orientation > 1 else UPRIGHT).save(path, kind, exif=exif)
    told, decoded = images.upright_size(path, side=side), images.open_upright(path, side=side).size
    assert max(abs(a - b) for a, b in zip(told, decoded, strict=True)) <= (side is not None)


def test_a_heic_in_its_own_words_has_one_size(tmp_path: Path) -> None:
    """Turned by its `irot` as well as by EXIF."""
    exif = Image.Exif()
    exif[0x0112] = 6
    note = Item(b"Exif", bytes(4) + exif.tobytes().removeprefix(b"Exif\0\0"))
    turn, describes = box(b"irot", b"\3"), full(b"iref", box(b"cdsc", struct.pack(">HHH", 2, 1, 1)))
    path = tmp_path / "turned"
    path.write_bytes(heif([one("HEIF", properties=[5]), note], extra=[turn], more=describes))
    assert images.upright_size(path) == images.open_upright(path).size


def test_nothing_but_pixels_leaves_the_machine(tmp_path: Path) -> None:
    """EXIF with its GPS position, XMP, comments, text and the colour profile are not in what is sent."""
    exif = Image.Exif()
    exif[0x010F] = "SECRET maker"
    exif.get_ifd(0x8825)[29] = "SECRET gps"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "SECRET author")
    UPRIGHT.save(
        tmp_path / "a.jpg", exif=exif, icc_profile=profile, xmp=b"SECRET xmp", comment="SECRET words"
    )
    UPRIGHT.save(tmp_path / "b.jpg", exif=exif, xmp=b"SECRET xmp", comment="SECRET words")
    UPRIGHT.save(tmp_path / "a.png", exif=exif, icc_profile=profile, pnginfo=text)
    for path in tmp_path.glob("*.*g"):
        assert b"SECRET" in path.read_bytes()
        data = images.clean(path).data
        assert b"SECRET" not in data
        assert not {"exif", "icc_profile", "xmp", "comment"} & set(Image.open(io.BytesIO(data)).info)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF", "JPEG"])
def test_an_embedded_colour_profile_is_applied(tmp_path: Path, mode: str, kind: str) -> None:
    """Red of a profile whose red and green are exchanged is sent as sRGB green."""
    if kind == "JPEG":
        mode = "RGB"
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exchanged = srgb.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")
    Image.new("RGB", (400, 300), "red").convert(mode).save(tmp_path / "a", kind, icc_profile=exchanged)
    assert close(cleaned(tmp_path / "a").getpixel((200, 150)), GREEN)


@pytest.mark.parametrize("mode", ["L", "LA", "1", "I;16"])
def test_a_grey_profile_is_applied(tmp_path: Path, mode: str) -> None:
    """Grey of a linear profile is sent brighter, whatever the depth; black stays black."""
    half = {"LA": (128, 255), "I;16": 32896, "1": 0}.get(mode, 128)
    Image.new(mode, (400, 300), half).save(tmp_path / "a.png", icc_profile=_linear_grey())
    assert close(cleaned(tmp_path / "a.png").getpixel((200, 150)), (0, 0, 0) if mode == "1" else (188,) * 3)


def test_a_profile_leaves_transparency_alone(tmp_path: Path) -> None:
    """White shows below, with a profile as without."""
    Image.new("LA", (400, 300), (0, 0)).save(tmp_path / "grey.png", icc_profile=_linear_grey())
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGBA", (400, 300), (255, 0, 0, 0)).save(tmp_path / "colour.png", icc_profile=srgb)
    for path in tmp_path.glob("*.png"):
        assert close(cleaned(path).getpixel((200, 150)), WHITE), path.name


def _linear_grey() -> bytes:
    """Return a profile of version 2: grey, and twice the number is twice the light."""
    white = struct.pack(">3l", 63190, 65536, 54061)  # D50, as ICC profiles count
    tags = ((b"wtpt", b"XYZ \0\0\0\0" + white), (b"kTRC", b"curv\0\0\0\0\0\0\0\0"))
    start, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, data in tags:
        table += name + struct.pack(">LL", start + len(body), len(data))
        body += data
    head = struct.pack(">L4sL4s4s4s", start + len(body), b"lcms", 0x02400000, b"mntr", b"GRAY", b"XYZ ")
    head = (head.ljust(36, b"\0") + b"acsp").ljust(68, b"\0") + white
    return head.ljust(128, b"\0") + struct.pack(">L", len(tags)) + table + body


def test_a_broken_colour_profile_is_ignored(tmp_path: Path) -> None:
    """Browsers show such a picture, so we send it."""
    Image.new("RGB", (400, 300), RED).save(tmp_path / "a.jpg", icc_profile=b"nonsense" * 40)
    assert close(cleaned(tmp_path / "a.jpg").getpixel((200, 150)), RED)


def test_transparency_lies_on_white(tmp_path: Path) -> None:
    """Every way to be transparent shows white below."""
    palette = Image.new("P", (400, 300), 1)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    Image.new("RGBA", (400, 300), (255, 0, 0, 0)).save(tmp_path / "rgba.png")
    Image.new("LA", (400, 300), (0, 0)).save(tmp_path / "la.png")
    Image.new("RGBA", (400, 300), (255, 0, 0, 0)).save(tmp_path / "a.webp", lossless=True)
    palette.save(tmp_path / "palette.png", transparency=1)
    Image.new("RGB", (400, 300), RED).save(tmp_path / "key.png", transparency=RED)
    for path in tmp_path.glob("*.*"):
        assert close(cleaned(path).getpixel((200, 150)), WHITE), path.name
    Image.new("RGBA", (400, 300), (255, 0, 0, 128)).save(tmp_path / "half.png")
    assert close(cleaned(tmp_path / "half.png").getpixel((200, 150)), (255, 127, 127))


def test_16_bits_become_8(tmp_path: Path) -> None:
    """A 16-bit grey ramp keeps its shape: it is neither cut off nor wrapped around."""
    ramp = np.tile(np.linspace(0, 65535, 401).astype(np.uint16), (300, 1))
    Image.fromarray(ramp).save(tmp_path / "a.png")
    picture = cleaned(tmp_path / "a.png")
    for x, grey in ((0, 0), (100, 64), (200, 128), (300, 191), (400, 255)):
        assert close(picture.getpixel((x, 150)), (grey,) * 3)


def test_other_colour_modes_become_rgb(tmp_path: Path) -> None:
    """Print colours, palettes, grey and black-and-white are read for what they show."""
    palette = Image.new("P", (400, 300), 1)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    for name, picture, colour in (
        ("cmyk.jpg", Image.new("CMYK", (400, 300), (0, 255, 255, 0)), RED),
        ("palette.png", palette, RED),
        ("grey.jpg", Image.new("L", (400, 300), 99), (99, 99, 99)),
        ("bilevel.png", Image.new("1", (400, 300), 1), WHITE),
    ):
        picture.save(tmp_path / name)
        assert close(cleaned(tmp_path / name).getpixel((200, 150)), colour), name


def test_print_colours_as_adobe_stores_them(tmp_path: Path) -> None:
    """Adobe writes the inks of a JPEG turned round and notes it; both ways show the same red."""
    Image.new("CMYK", (400, 300), (0, 255, 255, 0)).save(tmp_path / "adobe.jpg")
    assert b"Adobe" in (tmp_path / "adobe.jpg").read_bytes()
    assert close(cleaned(tmp_path / "adobe.jpg").getpixel((200, 150)), RED)
    Image.new("CMYK", (4800, 3600), (0, 255, 255, 0)).save(tmp_path / "large.jpg")
    assert close(cleaned(tmp_path / "large.jpg").getpixel((200, 150)), RED)


def test_a_telephones_heic_is_turned_once(tmp_path: Path) -> None:
    """It says twice how it was held, in the picture's own properties (`irot`) and in EXIF: once is right."""
    exif = Image.Exif()
    exif[0x0112] = 6
    note = Item(b"Exif", bytes(4) + exif.tobytes().removeprefix(b"Exif\0\0"))
    turn, describes = box(b"irot", b"\3"), full(b"iref", box(b"cdsc", struct.pack(">HHH", 2, 1, 1)))
    turned = heif([one("HEIF", properties=[5]), note], extra=[turn], more=describes)
    (tmp_path / "plain").write_bytes(heif([one("HEIF")]))
    (tmp_path / "turned").write_bytes(turned)
    wanted = np.asarray(cleaned(tmp_path / "plain").transpose(Image.Transpose.ROTATE_270), dtype=int)
    seen = np.asarray(cleaned(tmp_path / "turned"), dtype=int)
    assert seen.shape == wanted.shape == (320, 304, 3)
    assert abs(seen - wanted).mean() < 2


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF", "MPO"])
def test_of_several_pictures_the_first_is_sent(tmp_path: Path, kind: str) -> None:
    """An animation and a camera's file of several pictures are read for their first one."""
    rest = [Image.new("RGB", (400, 600), GREEN)] * 2
    UPRIGHT.save(tmp_path / "a", kind, save_all=True, append_images=rest)
    picture = cleaned(tmp_path / "a")
    assert close(picture.getpixel((20, 20)), BLUE)
    assert close(picture.getpixel((20, 580)), RED)


def test_an_interlaced_png_is_read(tmp_path: Path) -> None:
    """Browsers show them, so we read them."""
    lines = b""
    for x, y, dx, dy in (
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)
    ):  # fmt: skip
        part = UPRIGHT.crop((x, y, 400, 600)).resize(
            (-(-(400 - x) // dx), -(-(600 - y) // dy)), box=None, resample=0
        )
        lines += b"".join(b"\0" + part.crop((0, n, part.width, n + 1)).tobytes() for n in range(part.height))
    data = b"\x89PNG\r\n\x1a\n"
    for name, body in (
        (b"IHDR", struct.pack(">LL5B", 400, 600, 8, 2, 0, 0, 1)),
        (b"IDAT", zlib.compress(lines)),
        (b"IEND", b""),
    ):
        data += struct.pack(">L", len(body)) + name + body + struct.pack(">L", zlib.crc32(name + body))
    (tmp_path / "a.png").write_bytes(data)
    assert close(cleaned(tmp_path / "a.png").getpixel((20, 20)), BLUE)
    assert close(cleaned(tmp_path / "a.png").getpixel((20, 580)), RED)


def test_noise_is_sent(tmp_path: Path) -> None:
    """Hard edges everywhere take more than the 2 bytes a pixel that Pillow reckons with."""
    noise = np.random.default_rng(0).integers(0, 2, (600, 600, 3), dtype=np.uint8) * 255
    Image.fromarray(noise).save(tmp_path / "a.png")
    assert len(images.clean(tmp_path / "a.png").data) > 2 * 600 * 600


def test_the_same_file_gives_the_same_bytes(photo: Path) -> None:
    """One image is uploaded once, whatever it is called: its hash is that of its clean bytes."""
    first, second = images.clean(photo), images.clean(photo, "renamed.jpg")
    assert first.data == second.data
    assert first.sha256 == second.sha256


@pytest.mark.parametrize(
    ("size", "sent"),
    [
        ((2048, 1000), (2048, 1000)),
        ((4096, 2048), (2048, 1024)),
        ((3000, 6000), (1024, 2048)),
        ((1000, 2500), (820, 2048)),
        ((5000, 2000), (2048, 820)),
        ((5005, 2002), (2048, 820)),
    ],
)
@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_huge_images_shrink_within_the_limits(
    tmp_path: Path, name: str, size: tuple[int, int], sent: tuple[int, int]
) -> None:
    """The long side is at most 2048 pixels, and what comes out is itself an image that is accepted."""
    Image.new("RGB", size, RED).save(tmp_path / name)
    image = images.clean(tmp_path / name)
    assert (image.width, image.height) == sent
    (tmp_path / "sent.jpg").write_bytes(image.data)
    assert images.open_upright(tmp_path / "sent.jpg").size == sent


@pytest.mark.parametrize("size", [(300, 300), (300, 750), (750, 300), (6000, 2400)])
def test_the_limits_themselves_are_allowed(tmp_path: Path, size: tuple[int, int]) -> None:
    """Each limit includes its own value."""
    Image.new("L", size).save(tmp_path / "a.png")
    assert images.clean(tmp_path / "a.png").data


@pytest.mark.parametrize(
    ("size", "told"),
    [
        ((299, 400), "299×400 pixels is too small; each side must have at least 300"),
        ((400, 299), "too small"),
        ((751, 300), "751×300 is too wide; width to height must be between 0.4 and 2.5"),
        ((300, 751), "too tall"),
        ((8000, 6300), "8000×6300 is 50 megapixels; at most 50 are allowed"),
        ((10_000, 9_500), "megapixels"),
        ((15_000, 12_000), "megapixels"),
    ],
)
def test_a_size_out_of_range_is_told(tmp_path: Path, size: tuple[int, int], told: str) -> None:
    """The message holds the size and the limit; a decompression bomb is refused before it is decoded."""
    Image.new("1", size).save(tmp_path / "a.png")
    assert told in refusal(tmp_path / "a.png")


def test_too_many_bytes_are_refused_unread(tmp_path: Path) -> None:
    """A file over 10 MB is refused by its size alone."""
    path = tmp_path / "a.jpg"
    path.write_bytes(bytes(images.MAX_BYTES + 100_000))
    assert refusal(path) == "10.1 MB; at most 10 MB are allowed."


def test_the_engine_takes_larger_files(tmp_path: Path, photo: Path) -> None:
    """`open_upright` has a limit of the caller's."""
    path = tmp_path / "a.jpg"
    path.write_bytes(photo.read_bytes() + bytes(12_000_000))
    assert "at most 10 MB" in refusal(path)
    assert images.open_upright(path, max_bytes=30_000_000).size == (640, 480)
    with pytest.raises(InvalidImage, match="at most 11 MB"):
        images.open_upright(path, max_bytes=11_000_000)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "BMP", "PPM"])
@pytest.mark.parametrize("name", ["a.dat", "a.jpg"])
def test_other_kinds_are_refused(tmp_path: Path, kind: str, name: str) -> None:
    """Only the promised formats are decoded, whatever a file is called."""
    UPRIGHT.save(tmp_path / name, kind)
    assert "use JPEG, PNG, WebP, AVIF or HEIC" in refusal(tmp_path / name)


@pytest.mark.parametrize("data", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"\xff\xd8"])
def test_what_is_no_image_is_refused(tmp_path: Path, data: bytes) -> None:
    """Drawings, documents and noise are told apart from images."""
    (tmp_path / "a.jpg").write_bytes(data)
    assert "not an image of a known kind" in refusal(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.jpg", "JPEG"), ("a.png", "PNG"), ("a.webp", "WEBP"), ("a.avif", "AVIF"), ("a.heic", "HEIF")],
)
def test_a_truncated_image_is_refused(photo: Path, tmp_path: Path, name: str, kind: str) -> None:
    """Half a picture is damaged, not half sent."""
    path = tmp_path / name
    Image.open(photo).save(path, kind)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    assert refusal(path)


def test_an_unreadable_file_is_named_as_the_user_knows_it(tmp_path: Path) -> None:
    """Empty, missing and not a file at all are three messages, each with the name that the user gave."""
    (tmp_path / "tmp123").touch()
    assert refusal(tmp_path / "tmp123", "holiday.jpg") == "the file is empty."
    assert "cannot be read (No such file" in refusal(tmp_path / "gone.jpg")
    assert "cannot be read (Is a directory)" in refusal(tmp_path)
