"""Measure face detection: time per image, faces found, false alarms, accuracy of the eyes.

    python benchmarks/faces.py --london ../shared/data/london
    python benchmarks/faces.py --london ../shared/data/london --part small --sample 30

Real faces are from the Face Research Lab London Set (204 photos), backgrounds and images without a
face from scikit-image. A face counts as found if exactly one face is detected there, with its
centre within half a face width and its roll within 20 degrees. "false" counts all other detections.
"""

import argparse
import csv
import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageFilter

from degan.faces.face import Face
from degan.faces.finder import FaceFinder
from degan.media.images import RgbImage, read_image

FACE_WIDTH = 190  # mean width of the landmarks in the London photos of 512 pixels
GREY = (128, 128, 128)
PHOTOS = ("coffee", "rocket", "chelsea", "stereo_motorcycle", "hubble_deep_field", "retina")
TEXTURES = ("brick", "grass", "gravel", "coins", "page", "text", "moon", "clock", "colorwheel",
            "immunohistochemistry", "horse", "checkerboard", "shepp_logan_phantom")  # fmt: skip
RIGHT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)


def sample(name: str) -> Image.Image:
    """Return a sample image of scikit-image as RGB."""
    data = getattr(skimage.data, name)()
    array = np.asarray(data[0] if isinstance(data, tuple) else data)
    if array.dtype != np.uint8:
        low, high = float(array.min()), float(array.max())
        array = (255.0 * (array - low) / (high - low)).astype(np.uint8)
    return Image.fromarray(array).convert("RGB")


def turned(photo: RgbImage, degrees: float) -> Image.Image:
    """Return a photo turned clockwise, on a canvas large enough for all of it."""
    return Image.fromarray(photo).rotate(
        -degrees, resample=Image.Resampling.BICUBIC, expand=True, fillcolor=GREY
    )


def judged(faces: list[Face], centre: tuple[float, float], width: float, roll: float) -> list[int]:
    """Return the counts [found, false, wrong roll] for an image with one face."""
    there, right = 0, 0
    for face in faces:
        x, y, w, h = face.box
        near = math.hypot(x + w / 2 - centre[0], y + h / 2 - centre[1]) < width / 2
        there += near
        right += near and abs(math.remainder(face.roll - roll, 360)) < 20
    return [int(right == 1 and there == 1), len(faces) - there, int(there > 0 and right == 0)]


def show(title: str, rows: list[list[int]], width: int = 44) -> None:
    """Print one line of a table."""
    found, false, wrong = np.array(rows).sum(axis=0)
    print(
        f"{title:{width}} found {found}/{len(rows)}  false {false}  wrong roll {wrong}", flush=True
    )


def time_sizes(finder: FaceFinder, photos: list[RgbImage], _count: int) -> None:
    """Print the milliseconds per image for several image sizes."""
    face = Image.fromarray(photos[0])
    for width, height in ((512, 512), (640, 480), (1280, 720), (1920, 1080), (4000, 3000)):
        canvas = sample("coffee").resize((width, height))
        side = height // 2
        canvas.paste(face.resize((side, side)), (width // 3, height // 4))
        image = np.asarray(canvas)
        finder.find(image)
        spent = []
        for _ in range(7):
            start = time.perf_counter()
            finder.find(image)
            spent.append(1000 * (time.perf_counter() - start))
        print(
            f"{width} x {height}: median {statistics.median(spent):.0f} ms, best {min(spent):.0f}"
        )


def rotations(finder: FaceFinder, photos: list[RgbImage], count: int) -> None:
    """Print the faces found in turned photos."""
    for degrees in (0, 15, 30, 45, 60, 75, 90, 135, 180, 225, 270, 315):
        rows = []
        for photo in photos if degrees == 0 else photos[:: max(1, len(photos) // count)]:
            image = turned(photo, degrees)
            centre = (image.width / 2, image.height / 2)
            faces = finder.find(np.asarray(image))
            rows.append(judged(faces, centre, FACE_WIDTH, degrees))
        show(f"whole photo, turned by {degrees}", rows)


def small(finder: FaceFinder, photos: list[RgbImage], count: int) -> None:
    """Print the small faces found on grey canvases and in photos, at random rotations."""
    random = np.random.default_rng(0)
    backgrounds = [sample(name) for name in ("coffee", "rocket", "chelsea", "stereo_motorcycle")]
    for width, height in ((1280, 720), (1920, 1080), (4000, 3000)):
        for kind in ("grey", "photo"):
            for pixels in (40, 60, 100):
                rows = []
                for photo in photos[:: max(1, len(photos) // count)]:
                    degrees = float(random.uniform(0, 360))
                    face = turned(photo, degrees)
                    side = round(face.width * pixels / FACE_WIDTH)
                    face = face.resize((side, side), Image.Resampling.LANCZOS)
                    canvas = Image.new("RGB", (width, height), GREY)
                    if kind == "photo":
                        canvas = backgrounds[random.integers(len(backgrounds))]
                        canvas = canvas.resize((width, height))
                    x = int(random.integers(width - side))
                    y = int(random.integers(height - side))
                    canvas.paste(face, (x, y))
                    faces = finder.find(np.asarray(canvas))
                    rows.append(judged(faces, (x + side / 2, y + side / 2), pixels, degrees))
                show(f"{pixels} px in {width} x {height} {kind}, any roll", rows)


def no_faces(finder: FaceFinder, photos: list[RgbImage], count: int) -> None:
    """Print the faces detected in images without a face."""
    random = np.random.default_rng(1)
    images: list[tuple[str, Image.Image]] = [(name, sample(name)) for name in PHOTOS + TEXTURES]
    for name in PHOTOS:
        whole = sample(name)
        images.append((f"{name} enlarged", whole.resize((1920, 1080))))
        for _ in range(4):
            side = int(random.integers(120, min(whole.size)))
            x = int(random.integers(whole.width - side + 1))
            y = int(random.integers(whole.height - side + 1))
            images.append((f"{name} crop", whole.crop((x, y, x + side, y + side))))
    for index in range(10):
        noise = Image.fromarray(random.integers(0, 256, (90, 160, 3), dtype=np.uint8))
        images.append(("noise", noise.resize((1280, 720))))
        shoulders = Image.fromarray(photos[index * 7][400:])
        images.append(("shoulders", shoulders))
        images.append(("blur", sample("coffee").filter(ImageFilter.GaussianBlur(index))))
    alarms = 0
    for name, image in images:
        for face in finder.find(np.asarray(image)):
            alarms += 1
            box = ", ".join(f"{value:.0f}" for value in face.box)
            print(f"  {name}: ({box}), {face.score:.2f}, landmarks {face.landmark_score:.2f}")
    print(f"images without a face: {alarms} false alarms in {len(images)}")


def eyes(finder: FaceFinder, london: Path) -> None:
    """Print the distance of eye centres to annotated pupils, in inter-pupil distances."""
    errors = []
    with (london / "pupils.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            photo = read_image(london / row["expression"] / f"{row['subject']}.jpg")
            names = ("image_left_x", "image_left_y", "image_right_x", "image_right_y")
            clicked = np.array([float(row[name]) for name in names]).reshape(2, 2)
            flat = finder.find(photo)[0].landmarks[:, :2]
            centres = np.stack([flat[list(eye)].mean(axis=0) for eye in (RIGHT_EYE, LEFT_EYE)])
            distance = np.linalg.norm(clicked[1] - clicked[0])
            errors += (np.linalg.norm(centres - clicked, axis=1) / distance).tolist()
    print(f"eye centres: mean {np.mean(errors):.4f}, max {max(errors):.4f} inter-pupil distances")


PARTS: dict[str, Callable[[FaceFinder, list[RgbImage], int], None]] = {
    "time": time_sizes,
    "rotations": rotations,
    "small": small,
    "none": no_faces,
}


def main() -> None:
    """Parse the command line and run the requested parts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--london", type=Path, required=True, help="folder of the London set")
    parser.add_argument("--part", choices=[*PARTS, "eyes"], help="run one part only")
    parser.add_argument("--sample", type=int, default=34, help="photos per setting (default 34)")
    parser.add_argument("--threads", type=int, default=1, help="threads per network (default 1)")
    arguments = parser.parse_args()
    finder = FaceFinder(threads=arguments.threads)
    photos = [read_image(path) for path in sorted(arguments.london.glob("*/[0-9]*.jpg"))]
    for name, part in PARTS.items():
        if arguments.part in (None, name):
            part(finder, photos, arguments.sample)
    if arguments.part in (None, "eyes"):
        eyes(finder, arguments.london)


if __name__ == "__main__":
    main()
