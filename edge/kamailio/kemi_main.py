"""What Kamailio's Python module loads: it finds sipedge and hands over to it, nothing else."""

import json
import os
import sys


def mod_init():
    """Called by Kamailio once, before it forks its workers; gives the object that holds the routes."""
    with open(os.environ["TRUNKLINE_INSTANCE"], encoding="utf-8") as file:
        python_path = json.load(file)["python_path"]
    if python_path not in sys.path:
        sys.path.insert(0, python_path)
    from sipedge.kemi.routes import Routes
    from sipedge.whole_records import write_whole_records

    # Not before Kamailio loads its modules: it takes standard error's buffer away when it starts.
    write_whole_records()
    return Routes()
