"""Prepared data sets with changed pictures or names, for tests of known pictures."""

import io

import numpy as np
from PIL import Image

from degan.data.manifest import read_dataset, write_dataset
from degan.media import images


def same_picture(crop):
    """Return the crop."""
    return crop


def mirrored(crop):
    """Return the mirror image of a crop: a picture of nobody known."""
    return np.ascontiguousarray(crop[:, ::-1])


def compressed(crop):
    """Return a near copy of a crop: compressed as JPEG."""
    data = io.BytesIO()
    Image.fromarray(crop).save(data, "JPEG", quality=70)
    return np.asarray(Image.open(data).convert("RGB"))


def same_name(sample):
    """Return the sample."""
    return sample


def other_source(sample):
    """Return a sample of the same person with another name of the photo."""
    return sample._replace(source=f"other-{sample.source}")


def renamed(sample):
    """Return a sample of the same picture with another file, person and recording."""
    return sample._replace(
        file=f"other/{sample.file}",
        subject=f"other-{sample.subject}",
        sequence=f"other-{sample.sequence}",
        source=f"other-{sample.source}",
    )


def write_changed(dataset, folder, picture=same_picture, name=same_name, more=()):
    """Write a data set with changed pictures and names.

    Args:
        dataset: data set to change.
        folder: folder to create.
        picture: function from a crop to the crop to write.
        name: function from a sample to the sample to write.
        more: further samples; each has the mirror image of the data set's first crop.

    Returns:
        The new data set.
    """
    samples = [name(sample) for sample in dataset.samples]
    for old, new in zip(dataset.samples, samples, strict=True):
        images.write_image(folder / new.file, picture(images.read_image(dataset.folder / old.file)))
    first = images.read_image(dataset.folder / dataset.samples[0].file)
    for sample in more:
        images.write_image(folder / sample.file, mirrored(first))
    write_dataset(
        folder,
        [*samples, *more],
        [],
        crop_size=dataset.crop_size,
        frame=dataset.frame,
        settings={},
    )
    return read_dataset(folder)


def write_split(dataset, folder, named=True):
    """Write a data set with an official split that has copies in the test part.

    The first four people are the test part. It also has one picture of the training part, ``a``,
    and a compressed one, ``b``; both have the training picture's expression.

    Args:
        dataset: data set with the pictures.
        folder: folder to create.
        named: whether subjects are named; each recording counts as one person otherwise.
    """
    people = dataset.subjects[:4]
    samples = [
        s._replace(split="test" if s.subject in people else "train") for s in dataset.samples
    ]
    crops = [images.read_image(dataset.folder / sample.file) for sample in samples]
    trained = [index for index, sample in enumerate(samples) if sample.split == "train"]
    for name, index, picture in (("a", trained[0], same_picture), ("b", trained[-1], compressed)):
        row = {"file": f"crops/{name}.png", "source": f"{name}.jpg", "split": "test"}
        samples.append(samples[index]._replace(subject=name, sequence=name, **row))
        crops.append(picture(crops[index]))
    for sample, crop in zip(samples, crops, strict=True):
        images.write_image(folder / sample.file, crop)
    if not named:
        samples = [sample._replace(subject="") for sample in samples]
    write_dataset(
        folder, samples, [], crop_size=dataset.crop_size, frame=dataset.frame, settings={}
    )
    return read_dataset(folder)
