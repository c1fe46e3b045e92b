"""What kind needs where nothing can be pulled and no engine answers. The rest of the code does not know this house."""

from conformance.offline.command import BrokenSetup
from conformance.offline.engine import Engine
from conformance.offline.setup import drop_intermediates, missing, private_engine, provide, release, suite_image, wake

__all__ = ["BrokenSetup", "Engine", "drop_intermediates", "missing", "private_engine", "provide", "release", "suite_image", "wake"]
