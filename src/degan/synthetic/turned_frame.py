"""Mean error of the crop frame of turned heads.

Photos are aligned by landmarks of a network, rendered heads by points of the mesh. In half profile
the two differ systematically: the network places hidden points on the visible outline of the face.
The difference was measured on rendered photos, see ``benchmarks/turned_heads.py``.
"""

from typing import NamedTuple

_YAW, _PITCH = 45.0, 20.0  # degrees; the measured heads were turned by up to these angles


class FrameError(NamedTuple):
    """Error of a crop frame, as in :class:`degan.synthetic.scene.Camera`.

    Attributes:
        right: shift to the right as a fraction of the frame's side.
        down: shift downwards as a fraction of the frame's side.
        growth: scale factor - 1.
        tilt: rotation in degrees.
    """

    right: float
    down: float
    growth: float
    tilt: float


def turned_frame(yaw: float, pitch: float) -> FrameError:
    """Return the mean difference between the frames of the landmark network and of the mesh.

    It is mirror-symmetric. Shift to the right and tilt are odd functions of yaw; the others are
    even.

    Args:
        yaw: yaw of the head in degrees, in [-45, 45].
        pitch: pitch of the head in degrees, in [-20, 20].

    Source: least squares on 1,600 rendered photos of 200 people (``python
    benchmarks/turned_heads.py --people 200 --seed 1``). The standard deviation of single photos is
    0.007 and 0.009 (shift), 0.029 (growth) and 1.2 degrees (tilt).
    """
    y, p = yaw / _YAW, pitch / _PITCH
    return FrameError(
        right=-0.0120 * y - 0.0036 * y * p,
        down=-0.0043 + 0.0142 * p,
        growth=0.006 + 0.006 * p + 0.023 * y * y + 0.024 * p * p,
        tilt=-0.15 * y + 1.48 * y * p,
    )
