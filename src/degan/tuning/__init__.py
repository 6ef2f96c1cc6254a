"""From a finished run to a weights file: calibration, actions, neutral, fine-tuning, export."""
