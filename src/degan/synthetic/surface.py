"""What shading takes: meshes as they are seen, their surfaces, and the light on them.

numba keeps compiled code until the file that it was compiled from changes: after a change here that
shading must see, touch ``shade.py``.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

# Columns of the head's attributes. The place is in the atlas for skin, a direction from the
# eyeball's centre for eyes (its third part is DEPTH), millimetres at rest for teeth. Of skin, DEPTH
# is the height above the collar: what is below wears clothes.
NORMAL: Final = 0
PLACE: Final = 3
DEPTH: Final = 5
OCCLUSION: Final = 6
LIPS: Final = 7
MOUTH: Final = 8
SHADOW: Final = 9
NUM_ATTRIBUTES: Final = 12

# Columns of the overlay's: a normal and a place in the atlas as well, and
OPACITY: Final = 5
NUM_OVERLAY_ATTRIBUTES: Final = 6

# Rows of the colours of what the atlas does not hold.
LIP_COLOUR: Final = 0
IRIS_COLOUR: Final = 1
SKIN_COLOUR: Final = 2
CLOTHES_COLOUR: Final = 3

# Numbers of the look.
LIP_SHARE: Final = 0
IRIS_RADIUS: Final = 1
PUPIL: Final = 2
SHINE: Final = 3
LIP_GLOSS: Final = 4

# Materials of what lies over the head.
HAIR: Final = 0
LASH: Final = 1
RIM: Final = 2
LENS: Final = 3


class Seen(NamedTuple):
    """A mesh, and what :func:`degan.synthetic.raster.rasterize` saw of it.

    Attributes:
        ids: triangle of each sample, int32 (H, W), below 0 where there is none.
        inverse_depth: of each sample, float32 (H, W), 0 where there is none.
        vertices: a view, as :mod:`degan.synthetic.raster` has it, float32 (V, 3).
        triangles: int32 (T, 3).
        kinds: of the triangles, uint8 (T,): regions of the head, materials of what lies over it.
        attributes: of the vertices, float32 (V, :data:`NUM_ATTRIBUTES`) of the head, float32
            (V, :data:`NUM_OVERLAY_ATTRIBUTES`) of what lies over it.
    """

    ids: I32
    inverse_depth: F32
    vertices: F32
    triangles: I32
    kinds: NDArray[np.uint8]
    attributes: F32


class HeadSurfaces(NamedTuple):
    """What a person's head is covered with.

    Attributes:
        skin: reflectance atlas, linear RGB, float32 (S, S, 3).
        folds: what the skin's folds leave of the light, float32 (S, S, 1).
        colours: linear RGB of lips as shares of the skin's, iris, skin and clothes, float32 (4, 3).
        look: lip share, iris radius, pupil radius, shine, lip gloss, float32 (5,).
    """

    skin: F32
    folds: F32
    colours: F32
    look: F32


class OverlaySurfaces(NamedTuple):
    """What hair, lashes and glasses are made of.

    Attributes:
        hair: colour of the hair, atlas of linear RGB, float32 (S, S, 3).
        rim: linear RGB of the glasses' rim, float32 (3,).
        tint: share of light that the lenses take, [0, 1].
        lash: opacity of the lashes, [0, 1].
    """

    hair: F32
    rim: F32
    tint: float
    lash: float


class Lighting(NamedTuple):
    """The light of a scene.

    Attributes:
        lamps: direction, linear RGB, wrap of each, float32 (L, 7); the first casts shadows.
        ambient: linear RGB, then its slope to the right and up, float32 (5,).
        shadow: how dark shadows are, [0, 1].
        shadow_map: nearness in mm to the first lamp of the nearest surface, float32 (M, M).
    """

    lamps: F32
    ambient: F32
    shadow: float
    shadow_map: F32
