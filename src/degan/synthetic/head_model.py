"""The head that all synthetic people share: mesh, identity components and facial actions.

Baked by ``tools/bake_head.py`` from CC0 data of MakeHuman. Millimetres; x to the image's right (the
subject's left), y up, z towards the camera; the origin lies between the eyes' centres.
"""

import io
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from degan.synthetic.mesh import blend
from degan.system.assets import asset_bytes

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

SKIN: Final = 0
LEFT_EYE: Final = 1
RIGHT_EYE: Final = 2
TEETH: Final = 3
TONGUE: Final = 4
LASHES: Final = 5
CLOTHES: Final = 6


@dataclass(frozen=True)
class Head:
    """The baked head.

    Attributes:
        mean: the mean face at rest, float32 (V, 3).
        identity: principal components, one standard deviation each, float32 (K, V, 3).
        actions: what each facial action at 1 moves, float32 (A, V, 3).
        action_names: of the actions, as ARKit names them.
        triangles: int32 (T, 3).
        regions: what each triangle is of, uint8 (T,): :data:`SKIN`, ...
        edges: each pair of neighbours once, int32 (E, 2).
        lips: share of lip in each vertex, float32 (V,) in [0, 1].
        mouth: share of inner mouth, as above.
        ears: share of ear, as above.
        lids: share of eyelid, as above.
        occlusion: the share of ambient light that reaches each vertex, as above.
        regression: macro attributes -> mean coefficients, float32 (attributes, K).
        attribute_names: of the rows of ``regression``.
        residual: Cholesky factor of the coefficients' covariance given the attributes, (K, K).
        eyes: vertices of the left and of the right eyeball.
    """

    mean: F32
    identity: F32
    actions: F32
    action_names: tuple[str, ...]
    triangles: I32
    regions: NDArray[np.uint8]
    edges: I32
    lips: F32
    mouth: F32
    ears: F32
    lids: F32
    occlusion: F32
    regression: F32
    attribute_names: tuple[str, ...]
    residual: F32
    eyes: tuple[I32, I32]

    def neutral(self, shape: F32) -> F32:
        """Return the face at rest of the person with the coefficients ``shape`` (K,): (V, 3)."""
        return blend(self.mean, self.identity, shape.astype(np.float32))

    def perform(self, neutral: F32, actions: F32) -> F32:
        """Return a face at rest (V, 3) with the facial actions (A,) performed: (V, 3)."""
        return blend(neutral, self.actions, actions.astype(np.float32))


@cache
def load_head() -> Head:
    """Return the shipped head.

    Raises:
        DeganError: the shipped file is missing or damaged.
    """
    with np.load(io.BytesIO(asset_bytes("head.npz")), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    triangles = arrays["triangles"].astype(np.int32)
    regions = arrays["regions"]
    pairs = np.sort(
        np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    )
    shares = {
        name: arrays[name].astype(np.float32) / 255
        for name in ("lips", "mouth", "ears", "lids", "occlusion")
    }
    left, right = (np.unique(triangles[regions == region]) for region in (LEFT_EYE, RIGHT_EYE))
    return Head(
        mean=arrays["mean"].astype(np.float32),
        identity=arrays["identity"].astype(np.float32),
        actions=arrays["actions"].astype(np.float32),
        action_names=tuple(str(name) for name in arrays["action_names"]),
        triangles=triangles,
        regions=regions,
        edges=np.unique(pairs, axis=0).astype(np.int32),
        regression=arrays["regression"],
        attribute_names=tuple(str(name) for name in arrays["attribute_names"]),
        residual=arrays["residual"].astype(np.float32),
        eyes=(left.astype(np.int32), right.astype(np.int32)),
        **shares,
    )
