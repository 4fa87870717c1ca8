"""Speed and ranking of the detectors, beside PyOD."""
