"""Head model of all synthetic people: mesh, identity components and facial actions.

``tools/bake_head.py`` creates the file from CC0 data of MakeHuman. Coordinates are in mm: x points
to the right of the image (the person's left), y up, z towards the camera. The origin is midway
between the centres of the eyes.
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
    """The head model: V vertices, T triangles, K identity components, A facial actions.

    Attributes:
        mean: vertices of the mean face at rest in mm, float32 (V, 3).
        identity: displacements of one standard deviation of each principal component in mm,
            float32 (K, V, 3).
        actions: displacements of each facial action at amount 1 in mm, float32 (A, V, 3).
        action_names: ARKit names of the facial actions.
        triangles: vertex indices, int32 (T, 3).
        regions: region of each triangle, uint8 (T,): :data:`SKIN`, ...
        edges: pairs of neighbouring vertices, each once, int32 (E, 2).
        lips: weight of the lips at each vertex, float32 (V,) in [0, 1].
        mouth: weight of the inner mouth, same shape and range.
        ears: weight of the ears, same shape and range.
        lids: weight of the eyelids, same shape and range.
        occlusion: fraction of the ambient light that reaches each vertex, same shape and range.
        regression: linear map from macro attributes to the mean of the identity coefficients,
            float32 (attributes, K).
        attribute_names: names of the rows of ``regression``.
        residual: Cholesky factor of the covariance of the coefficients given the attributes,
            float32 (K, K).
        eyes: vertex indices of the left and of the right eyeball.
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
        """Return the face at rest (V, 3) in mm for identity coefficients ``shape`` (K,)."""
        return blend(self.mean, self.identity, shape.astype(np.float32))

    def perform(self, neutral: F32, actions: F32) -> F32:
        """Return the face (V, 3) in mm after facial actions (A,) are applied to ``neutral``."""
        return blend(neutral, self.actions, actions.astype(np.float32))


@cache
def load_head() -> Head:
    """Return the shipped head model.

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
