"""Inputs of shading: rasterized meshes, their surfaces and the lighting.

numba caches compiled code until the source file of the function changes. After a change of a
constant or class in this module, touch ``shade.py`` to recompile it.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

# Columns of the head's vertex attributes. For skin, PLACE is the position in the atlas and DEPTH is
# the height above the collar (< 0: clothes). For eyes, PLACE and DEPTH are the direction from the
# centre of the eyeball. For teeth, PLACE is x and y in mm at rest.
NORMAL: Final = 0
ATLAS_POSITION: Final = 3
DEPTH: Final = 5
OCCLUSION: Final = 6
LIPS: Final = 7
MOUTH: Final = 8
SHADOW: Final = 9
NUM_ATTRIBUTES: Final = 12

# Columns of the overlay's attributes: NORMAL and PLACE (in the atlas) as above, and OPACITY.
OPACITY: Final = 5
NUM_OVERLAY_ATTRIBUTES: Final = 6

# Rows of HeadSurfaces.colours, for colours that are not in the atlas.
LIP_COLOUR: Final = 0
IRIS_COLOUR: Final = 1
SKIN_COLOUR: Final = 2
CLOTHES_COLOUR: Final = 3

# Indices of HeadSurfaces.look.
LIP_SHARE: Final = 0
IRIS_RADIUS: Final = 1
PUPIL: Final = 2
SHINE: Final = 3
LIP_GLOSS: Final = 4

# Materials of overlays.
HAIR: Final = 0
LASH: Final = 1
RIM: Final = 2
LENS: Final = 3


class RasterizedMesh(NamedTuple):
    """A mesh and the result of :func:`degan.synthetic.raster.rasterize` for it.

    Attributes:
        ids: number of the visible triangle at each sample, int32 (H, W), < 0 without one.
        inverse_depth: inverse depth at each sample, float32 (H, W), 0 without a triangle.
        vertices: view as in :mod:`degan.synthetic.raster`, float32 (V, 3).
        triangles: vertex indices, int32 (T, 3).
        kinds: region (head) or material (overlay) of each triangle, uint8 (T,).
        attributes: vertex attributes, float32 (V, :data:`NUM_ATTRIBUTES`) for the head, float32
            (V, :data:`NUM_OVERLAY_ATTRIBUTES`) for an overlay.
    """

    ids: I32
    inverse_depth: F32
    vertices: F32
    triangles: I32
    kinds: NDArray[np.uint8]
    attributes: F32


class HeadSurfaces(NamedTuple):
    """Surfaces of a person's head.

    Attributes:
        skin: reflectance atlas, linear RGB, float32 (S, S, 3).
        folds: fraction of light that remains in the skin folds, float32 (S, S, 1).
        colours: linear RGB of the lips divided by the skin's, then of iris, skin and clothes,
            float32 (4, 3).
        look: lip share, iris radius, pupil radius, shine, lip gloss, float32 (5,).
    """

    skin: F32
    folds: F32
    colours: F32
    look: F32


class OverlaySurfaces(NamedTuple):
    """Surfaces of hair, lashes and glasses.

    Attributes:
        hair: atlas of the hair colour, linear RGB, float32 (S, S, 3).
        rim: linear RGB of the glasses' rim, float32 (3,).
        tint: fraction of light that the lenses absorb, [0, 1].
        lash: opacity of the lashes, [0, 1].
    """

    hair: F32
    rim: F32
    tint: float
    lash: float


class Lighting(NamedTuple):
    """The light of a scene.

    Attributes:
        lamps: direction (3), linear RGB (3) and wrap of each lamp, float32 (L, 7); the first lamp
            casts shadows.
        ambient: linear RGB of the ambient light, then its slope to the right and upwards, float32
            (5,).
        shadow: darkness of shadows, [0, 1].
        shadow_map: nearness of the nearest surface to the first lamp in mm, float32 (M, M).
    """

    lamps: F32
    ambient: F32
    shadow: float
    shadow_map: F32
