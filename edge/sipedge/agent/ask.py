"""`python3 -m sipedge.agent.ask QUESTION`: asks the agent of this pod, as `call_server` answers.

It is what `trunkline calls` runs in a pod, and opens nothing but the agent's socket. The answer is
printed, in ASCII, since what carries it may cut it anywhere, and behind it `ANSWERED`. Exit
code 1: there is no agent.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from sipedge.agent.pod import DIRECTORY
from sipedge.call_questions import ANSWERED, AskError, ask
from sipedge.instance import INSTANCE_VARIABLE


def main(question: str) -> int:
    """0 = asked and answered."""
    own = os.environ.get(INSTANCE_VARIABLE)
    directory = Path(own).parent if own else Path(DIRECTORY)
    try:
        for line in (*ask(directory / "calls.sock", question), ANSWERED):
            print(json.dumps(json.loads(line)))
    except (AskError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) == 2 else ""))
