"""Figures of a report that run a network of a training again; they need the train extra."""
