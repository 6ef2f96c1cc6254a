"""Measurements of a report that need packages of the extra ``train``."""
