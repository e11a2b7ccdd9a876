"""Where a submission runs: its own processes, set up by environment variables.

Imports nothing else of the grader but its errors. A ``Zygote`` is one preloaded process that forks a child for
every ``App`` that is asked for; all that passes between grader and submission goes through descriptors that
are handed over, so that a sandbox around the zygote changes nothing for its users.
"""

from grader.stage.app import App
from grader.stage.labour import Labour
from grader.stage.launch import Launch
from grader.stage.patience import Allowance, Patience, Vitals
from grader.stage.source import Source
from grader.stage.zygote import Zygote

__all__ = ["Allowance", "App", "Labour", "Launch", "Patience", "Source", "Vitals", "Zygote"]
