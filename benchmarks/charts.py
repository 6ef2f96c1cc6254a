"""Charts of the benchmarks, drawn with Pillow."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from degan.media.images import RgbImage

_WIDTH, _HEIGHT, _EDGE = 900, 360, 60
_INK, _LINE = (60, 60, 60), (0, 90, 160)


def memory_chart(points: Sequence[tuple[float, float]], below: str) -> RgbImage:
    """Return a line chart of resident memory; both axes start at 0.

    Args:
        points: (x, memory in MB), two or more, x increasing.
        below: label at the right end of the x axis ("60 minutes of video").
    """
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), (255, 255, 255))
    draw = ImageDraw.Draw(picture)
    top, far = max(value for _, value in points) * 1.2, points[-1][0]
    across, up = _WIDTH - 2 * _EDGE, _HEIGHT - 2 * _EDGE
    spots = [
        (_EDGE + across * place / far, _HEIGHT - _EDGE - up * value / top)
        for place, value in points
    ]
    corners = [(_EDGE, _EDGE), (_EDGE, _HEIGHT - _EDGE), (_WIDTH - _EDGE, _HEIGHT - _EDGE)]
    draw.line(corners, fill=_INK)
    draw.line(spots, fill=_LINE, width=2)
    draw.text((_EDGE, _EDGE - 20), f"resident memory in MB, up to {top:.0f}", fill=_INK)
    draw.text((_WIDTH - _EDGE, _HEIGHT - _EDGE + 8), below, fill=_INK, anchor="ra")
    return np.asarray(picture)
