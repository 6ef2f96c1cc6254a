"""Reasons why an adaptation to photos may harm, as far as the photos show them."""

from collections.abc import Mapping
from typing import Final

from degan.tuning.photo_faces import Faces

MIN_FACES: Final = 50
"""Number of faces below which a note is given. Of the gain in log loss with 240 faces, 20 give 76 %
on blurred web faces and 46 % on the development half of CK+48."""

MOST_OF_A_CLASS: Final = 0.8
"""Fraction of faces predicted as one class above which a note is given."""

MOST_DISTANCE: Final = 0.5
"""Total variation distance between a given prior and the predictions above which a note is given.
"""


def harm_notes(
    faces: Faces, predicted: Mapping[str, float], given: Mapping[str, float] | None
) -> list[str]:
    """Return sentences on reasons why the adaptation may harm; [] if none is seen.

    Args:
        faces: the faces used.
        predicted: class -> fraction of the faces predicted as it with the adapted weights.
        given: class -> frequency that the user gave; None if none was given.
    """
    notes = []
    count = len(faces.crops)
    if count < MIN_FACES:
        notes.append(
            f"ONLY {count} FACE{'S' if count > 1 else ''}: the adaptation changes little, and may "
            f"follow these faces instead of the camera; give {MIN_FACES} or more"
        )
    name, share = max(predicted.items(), key=lambda item: item[1])
    if share > MOST_OF_A_CLASS and len(predicted) > 1:
        notes.append(
            f"{share:.0%} OF THE FACES are predicted as {name}: the statistics are then of this "
            "expression, not of the camera, and other expressions may be recognised less; give "
            "photos of several expressions"
        )
    if faces.people and len(set(faces.people)) == 1:
        notes.append(
            "ALL FACES are of one person: the adaptation may follow this person instead of the "
            "camera; give photos of several people"
        )
    if given is not None:
        distance = sum(abs(given[one] - predicted[one]) for one in given) / 2
        if distance > MOST_DISTANCE:
            most = ", ".join(
                f"{one} {predicted[one]:.0%}"
                for one in sorted(predicted, key=lambda one: -predicted[one])[:3]
            )
            notes.append(
                f"THE PRIOR is far from the predictions with it ({most}); a wrong prior harms, so "
                "check the frequencies"
            )
    return notes
