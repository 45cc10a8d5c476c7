"""`trunkline uninstall`: one pass through a cluster that takes away what operators have made there.

Each step does the whole of its work anew, so the command may be run again after a fault.
"""

from trunkline.controllers.uninstall.installed import UninstallError
from trunkline.controllers.uninstall.removal import surveyed, uninstall

__all__ = ["UninstallError", "surveyed", "uninstall"]
