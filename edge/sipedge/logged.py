"""Runs Kamailio and passes its log on as safe lines: `python3 -S -m sipedge.logged PROGRAM ARGUMENT...`.

What the program writes to its standard output and error is always read, whatever becomes of the lines: a full
pipe would hold up Kamailio's workers. Lines that cannot be written at once are left out and counted. Signals
are passed on to the program, and this process ends as the program ended, so it may stand in its place: under
a supervisor and as the first process of a container.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
import time

from sipedge.fault import describe_fault
from sipedge.log_lines import NO_LOG, advance, finish, kamailio_line, leave_out

_CHUNK = 65_536
_LINGER_SECONDS = 0.5
"""How long the log is still read after the program has ended, if others hold it open."""
_TICK_SECONDS = 1.0
_PASSED_ON = (
    *(signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT),
    *(signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT),
)


def main(command: list[str]) -> None:
    """Never returns."""
    program = _Program(command)
    output = _Output(2)
    state, ended_at = NO_LOG, 0.0
    poll = select.poll()
    poll.register(program.log, select.POLLIN)
    poll.register(program.wakeups, select.POLLIN)
    while True:
        patience = _TICK_SECONDS if state.left_out else None
        if program.status is not None:
            ended_at = ended_at or time.monotonic()
            patience = ended_at + _LINGER_SECONDS - time.monotonic()
            if patience <= 0:
                break
        ready = dict(poll.poll(None if patience is None else patience * 1000))
        program.look()
        data = b""
        if program.log in ready:
            data = os.read(program.log, _CHUNK)
            if not data:
                poll.unregister(program.log)
                program.wait()
                break
        try:
            state, lines = advance(state, data, time.time(), kamailio_line)
        except Exception as error:
            # A fault of ours may cost lines, never the calls of an edge.
            state, lines = NO_LOG, [f"- ERROR - log: {describe_fault(error)}"]
        state = leave_out(state, output.write(lines))
    output.write(finish(state, time.time(), kamailio_line))
    program.end_likewise()


class _Program:
    """The program, its log, and the signals on their way to it."""

    def __init__(self, command: list[str]) -> None:
        self.log, writing = os.pipe()
        self.wakeups, alarm = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        os.set_blocking(self.log, False)
        self.status: int | None = None
        """As waitpid(2) gives it; None while it runs."""
        self._pid = 0
        self._waiting: list[int] = []
        signal.set_wakeup_fd(alarm, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for number in _PASSED_ON:
            signal.signal(number, self._pass_on)
        pid = os.fork()
        if pid == 0:
            _become(command, writing)
        os.close(writing)
        self._pid = pid
        for early in self._waiting:
            os.kill(pid, early)

    def _pass_on(self, number: int, frame: object) -> None:
        if not self._pid:
            self._waiting.append(number)
        elif self.status is None:
            os.kill(self._pid, number)

    def look(self) -> None:
        """Take note of processes that have ended: the program, and in a container orphans."""
        try:
            os.read(self.wakeups, _CHUNK)
        except BlockingIOError:
            pass
        try:
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                self._note(*found)
        except ChildProcessError:
            pass

    def wait(self) -> None:
        """Until the program has ended."""
        while self.status is None:
            self._note(*os.waitpid(-1, 0))

    def _note(self, pid: int, status: int) -> None:
        if pid == self._pid:
            self.status = status

    def end_likewise(self) -> None:
        """With the program's exit status, or by the signal that ended it."""
        code = os.waitstatus_to_exitcode(self.status or 0)
        if code >= 0:
            os._exit(code)
        # One core file is the program's; a second one, of its reader, would tell nobody anything.
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
        # The first process of a container is not ended by a signal of its own.
        os._exit(128 - code)


def _become(command: list[str], writing: int) -> None:
    os.dup2(writing, 1)
    os.dup2(writing, 2)
    # Python ignores it, and what is ignored is inherited.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606 -- no shell is meant
    except OSError as error:
        os.write(2, f"{command[0]} cannot be started: {error.strerror}\n".encode())
    os._exit(127)


class _Output:
    """Where lines go, as long as nobody has to be waited for."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def write(self, lines: list[str]) -> int:
        """How many lines could not be written.

        A pipe that says it has room has it for 4,096 bytes (pipe(7)).
        """
        for place, line in enumerate(lines):
            try:
                if not self._poll.poll(0):
                    return len(lines) - place
                os.write(self._descriptor, f"{line}\n".encode())
            except OSError:
                return len(lines) - place
        return 0


if __name__ == "__main__":
    main(sys.argv[1:])
