"""The parts of a report, by what they show; each is a pure function of what was read."""
