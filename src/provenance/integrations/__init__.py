"""Thin adapters: what a training framework tells, in the words of a run.

Each module imports the framework that it is named after, so none is imported here. All of them
hand what they hear to a `TrainingObserver` (`observer`), which knows no framework.
"""

__all__: list[str] = []
