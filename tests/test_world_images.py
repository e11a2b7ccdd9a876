"""The images that the world sends."""

import io

from PIL import Image

from grader.world.images import plain_png


def test_a_plain_png_is_whole_and_of_the_size_asked_for() -> None:
    for colour, mode, black in ((True, "RGB", (0, 0, 0)), (False, "L", 0)):
        made = Image.open(io.BytesIO(plain_png(150, 100, colour=colour)))
        made.load()
        assert (made.format, made.mode, made.size) == ("PNG", mode, (150, 100))
        assert made.getcolors() == [(150 * 100, black)]


def test_a_plain_png_is_small_as_a_file() -> None:
    assert len(plain_png(4000, 4000)) < 500_000
