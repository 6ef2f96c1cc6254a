"""Measure the face finder and the alignment on rendered photos of turned heads, by yaw.

    python benchmarks/turned_heads.py
    python benchmarks/turned_heads.py --people 200 --seed 1

Each photo shows a person of difficulty "varied" from neck to hair, without degradation, turned by a
random yaw (to 45 degrees) and pitch (to 20). The positions of the head's vertices are known. All
distances are in pixels of a crop of 96 px. By range of yaw, the table has

- found: share of photos in which the finder finds exactly one face;
- brows, eyes, nose, mouth: mean distance of the landmarks from the vertices that they are nearest
  to on nearly frontal heads, so that different definitions of the points count little;
- frame: mean distance between positions in the crop of the found face and in the rendered crop;
- mended: the same after the mean error of the frame, see degan.synthetic.turned_frame, is added to
  the rendered crop, as the difficulty "turned" does;
- pass: mean shift of the 468 landmarks by one more pass of the landmark network.

The lines below the table are least-squares coefficients of that mean error, fitted on this run.
"""

import argparse
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from degan.faces.alignment import align
from degan.faces.finder import FaceFinder
from degan.synthetic.head_model import SKIN, load_head
from degan.synthetic.mesh import vertex_normals
from degan.synthetic.plan import SynthesisSettings, person_in, shots_of
from degan.synthetic.renderer import prepare_person, render, vertices_in_image
from degan.synthetic.scene import Camera, Degradation
from degan.synthetic.turned_frame import FrameError, turned_frame

SIDE, CROP, ZOOM = 512, 96, 0.5  # of a photo and of a crop in pixels; share of the photo's side
EACH = 8  # photos of a person
YAW, PITCH = 45, 20
RANGES = ((0, 15), (15, 30), (30, 45))
FRONTAL = 8  # degrees
NAMED = {
    "brows": (70, 105, 107, 336, 334, 300),
    "eyes": (33, 133, 362, 263, 159, 145, 386, 374),
    "nose": (1, 2, 4, 98, 327),
    "mouth": (61, 291, 0, 17, 13, 14),
}
F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Seen:
    """A photo of a turned head; without exactly one face, all but the angles are empty or NaN.

    Attributes:
        yaw: yaw of the head in degrees.
        pitch: pitch of the head in degrees.
        to_crop: rotation and scale from the rendered crop to the crop of the found face.
        shift: shift of the middle of the crop in pixels of a crop.
        landmarks: landmarks in the photo, (468, 2) in pixels of a crop.
        vertices: vertices of the head in the photo, (V, 2) in pixels of a crop.
        moved: mean shift of the landmarks by one more pass, in pixels of a crop.
    """

    yaw: float
    pitch: float
    to_crop: complex
    shift: complex
    landmarks: F64
    vertices: F64
    moved: float


def look(finder: FaceFinder, settings: SynthesisSettings, rng: np.random.Generator) -> list[Seen]:
    """Return the photos of all people."""
    seen = []
    for number in range(settings.people):
        figure = prepare_person(person_in(settings, number))
        for shot in shots_of(settings, number):
            yaw, pitch = rng.uniform(-YAW, YAW), rng.uniform(-PITCH, PITCH)
            camera = Camera(yaw=yaw, pitch=pitch, distance=shot.scene.camera.distance, zoom=ZOOM)
            scene = replace(shot.scene, camera=camera, degradation=Degradation())
            photo = render(figure, shot.expression.actions, scene, SIDE)
            faces = finder.find_main(photo)
            if len(faces) != 1:
                nothing = np.zeros((0, 2))
                seen.append(Seen(yaw, pitch, np.nan, np.nan, nothing, nothing, np.nan))
                continue
            landmarks = faces[0].landmarks
            again = finder.follow(photo, landmarks)
            scale = CROP / (SIDE * ZOOM)
            moved = np.nan
            if again is not None:
                steps = again.landmarks[:, :2] - landmarks[:, :2]
                moved = scale * float(np.linalg.norm(steps, axis=1).mean())
            # Complex numbers: position in the crop = to_crop * position in the rendered crop, both
            # from their middle, + shift.
            (a, _, left), (b, _, top) = align(landmarks, CROP)
            middle = (0.5 + 0.5j) * SIDE
            to_crop = 1 / (scale * complex(a, b))
            shift = (middle - complex(left, top)) / complex(a, b) - (0.5 + 0.5j) * CROP
            vertices = vertices_in_image(figure, shot.expression.actions, camera, SIDE)
            seen.append(
                Seen(yaw, pitch, to_crop, shift, scale * landmarks[:, :2], scale * vertices, moved)
            )
    return seen


def distance(to_crop: complex, shift: complex) -> float:
    """Return the mean distance between a crop's positions before and after a similarity map."""
    line = (np.arange(5) / 5 - 0.4) * CROP
    grid = (line[:, None] + 1j * line).ravel()
    return float(np.abs(to_crop * grid + shift - grid).mean())


def mended(one: Seen) -> float:
    """Return the distance that is left after the mean frame error of turned heads."""
    mean = turned_frame(one.yaw, one.pitch)
    factor = (1 + mean.growth) * np.exp(1j * np.deg2rad(mean.tilt))
    # Undo the mean error in the crop of the found face.
    return distance(one.to_crop / factor, (one.shift - CROP * complex(*mean[:2])) / factor)


def landmark_errors(seen: list[Seen]) -> tuple[F64, F64]:
    """Return the distance of each named landmark in each photo (N, L), and the yaws (N,)."""
    head = load_head()
    skin = np.unique(head.triangles[head.regions == SKIN])
    skin = skin[vertex_normals(head.mean, head.triangles)[skin, 2] > 0]
    named = [number for numbers in NAMED.values() for number in numbers]
    found = [one for one in seen if len(one.landmarks)]
    frontal = [one for one in found if max(abs(one.yaw), abs(one.pitch)) < FRONTAL]
    nearest = []
    for number in named:
        away = [np.linalg.norm(o.vertices[skin] - o.landmarks[number], axis=1) for o in frontal]
        nearest.append(skin[np.mean(away, axis=0).argmin()])
    errors = [np.linalg.norm(o.vertices[nearest] - o.landmarks[named], axis=1) for o in found]
    return np.array(errors), np.array([abs(one.yaw) for one in found])


def fitted(seen: list[Seen]) -> None:
    """Print the coefficients of the mean frame error, with the deviation of single photos."""
    found = [one for one in seen if len(one.landmarks)]
    y = np.array([one.yaw / YAW for one in found])
    p = np.array([one.pitch / PITCH for one in found])
    odd = {"y": y, "y p": y * p}
    even = {"1": np.ones_like(y), "p": p, "y y": y * y, "p p": p * p}
    errors = FrameError(
        right=np.array([one.shift.real / CROP for one in found]),
        down=np.array([one.shift.imag / CROP for one in found]),
        growth=np.array([abs(one.to_crop) - 1 for one in found]),
        tilt=np.rad2deg(np.angle([one.to_crop for one in found])),
    )
    for name, error, terms in zip(FrameError._fields, errors, (odd, even, even, odd), strict=True):
        columns = np.stack([*terms.values()], axis=1)
        factors = np.linalg.lstsq(columns, error, rcond=None)[0]
        text = " ".join(
            f"{factor:+.4f} {term}" for term, factor in zip(terms, factors, strict=True)
        )
        print(f"{name}: {text}; deviation {(error - columns @ factors).std():.4f}")


def main() -> None:
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    settings = SynthesisSettings(
        people=arguments.people, images=arguments.people * EACH, seed=arguments.seed
    )
    seen = look(FaceFinder(), settings, np.random.default_rng(arguments.seed))
    errors, yaws = landmark_errors(seen)
    print(f"{'yaw':>8} photos found {' '.join(f'{name:>6}' for name in NAMED)}  frame mended  pass")
    for low, high in RANGES:
        part = [one for one in seen if low <= abs(one.yaw) < high]
        found = [one for one in part if len(one.landmarks)]
        rows = errors[(yaws >= low) & (yaws < high)]
        figures, start = [], 0
        for numbers in NAMED.values():
            figures.append(rows[:, start : start + len(numbers)].mean())
            start += len(numbers)
        frame = np.mean([distance(one.to_crop, one.shift) for one in found])
        left = np.mean([mended(one) for one in found])
        moved = np.nanmean([one.moved for one in found])
        print(
            f"{f'{low} to {high}':>8} {len(part):6} {len(found) / len(part):5.1%} "
            f"{' '.join(f'{figure:6.2f}' for figure in figures)} {frame:6.2f} {left:6.2f} "
            f"{moved:5.2f}"
        )
    fitted(seen)


if __name__ == "__main__":
    main()
