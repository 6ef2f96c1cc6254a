"""Pairs: the same expression on another person, where the data hold it."""

import torch

from degan.training.loader import TrainingData
from degan.training.pairs import ExpressionPairs


def test_a_drawn_photo_is_of_the_person_and_the_expression_asked_for():
    torch.manual_seed(0)
    subject = torch.randint(0, 9, (60,))
    expression = torch.randint(0, 4, (60,))
    images = torch.zeros(60, 1, 8, 8)
    data = TrainingData(images, expression, subject, tuple("abcd"), tuple("123456789"))
    wanted_subject, wanted_expression = torch.randint(0, 9, (5000,)), torch.randint(0, 4, (5000,))
    photos, known = ExpressionPairs(data).draw(wanted_subject, wanted_expression)
    exists = {(s, e) for s, e in zip(subject.tolist(), expression.tolist(), strict=True)}
    wanted = list(zip(wanted_subject.tolist(), wanted_expression.tolist(), strict=True))
    assert known.tolist() == [pair in exists for pair in wanted]
    assert (subject[photos] == wanted_subject)[known].all()
    assert (expression[photos] == wanted_expression)[known].all()
    assert 0 < known.sum() < 5000
    assert set(photos[known].tolist()) == set(range(60))  # every photo has its turn
