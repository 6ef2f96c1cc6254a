"""Print the canonical positions of the alignment landmarks, for src/degan/faces/alignment.py.

    python tools/canonical_frame.py ../shared/data/london

Generalised Procrustes analysis of the landmarks in the London photos (similarity transforms), made
symmetric, with both pupils at the same height. The table in alignment.py was made with an earlier
face detector. The present one differs by at most 0.0012 of the crop; a published frame is never
changed. Scale and height are chosen, not measured: the pupils are 0.36 of the crop apart at height
0.345, so that brows, cheeks and chin are inside.
"""

import argparse
from pathlib import Path

import numpy as np

from degan.faces.finder import FaceFinder
from degan.media.images import find_photos, read_image

POINTS = (33, 133, 362, 263, 168, 6, 197, 195, 4, 2, 98, 327, 234, 454, 164)
MIRROR = {33: 263, 133: 362, 98: 327, 234: 454}
EYES = ((33, 133), (362, 263))  # the image's left eye, then the right one
PUPIL_DISTANCE, PUPIL_HEIGHT = 0.36, 0.345


def fit(shape: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return a shape (N,) of complex points aligned with a centred target (similarity)."""
    centred = shape - shape.mean()
    return centred * (np.vdot(centred, target) / np.vdot(centred, centred))


def mirrored(shape: np.ndarray) -> np.ndarray:
    """Return a shape flipped left to right, with left and right points exchanged."""
    partner = {**MIRROR, **{right: left for left, right in MIRROR.items()}}
    order = [POINTS.index(partner.get(point, point)) for point in POINTS]
    return -shape[order].conj()


def mean_shape(shapes: np.ndarray, rounds: int = 10) -> np.ndarray:
    """Return the symmetric mean of shapes (M, N) up to a similarity transform."""
    mean = shapes[0] - shapes[0].mean()
    for _ in range(rounds):
        mean = np.mean([fit(shape, mean) for shape in shapes], axis=0)
        mean = (mean + fit(mirrored(mean), mean)) / 2
        mean /= np.linalg.norm(mean)
    return mean


def main() -> None:
    """Detect the landmarks and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("london", type=Path, help="folder of the London set")
    finder = FaceFinder()
    photos = find_photos(parser.parse_args().london)
    found = np.array(
        [finder.find(read_image(path))[0].landmarks[list(POINTS), :2] for path in photos]
    )
    shape = mean_shape(found[..., 0] + 1j * found[..., 1])

    left, right = (np.mean([shape[POINTS.index(point)] for point in eye]) for eye in EYES)
    shape = (shape - (left + right) / 2) / (right - left) * PUPIL_DISTANCE
    for point, place in zip(POINTS, shape, strict=True):
        print(f"    {point}: ({place.real + 0.5:.4f}, {place.imag + PUPIL_HEIGHT:.4f}),")


if __name__ == "__main__":
    main()
