"""Runs command lines plainly and under brio-run, each time in an empty directory, and compares what they do."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

from sites import PATIENCE

SHOWN = 1000  # characters of what differs


def until(condition):
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up, "what was waited for has not happened"
        time.sleep(0.005)


def nothing():
    pass


def files_below(directory):
    """Each file's content by its path; git's own files hold times, and are git's to show."""
    paths = [path for path in sorted(directory.rglob("*")) if ".git" not in path.parts and path.is_file()]
    return {f"file {path.relative_to(directory)}": path.read_bytes() for path in paths}


class BothWays:
    def __init__(self, brio_run):
        self.brio_run = os.path.abspath(brio_run)
        self.compared = 0
        self.different = 0

    def same(self, *commands, stdin="", meanwhile=nothing, status=0, says="", **environment):
        """Runs the commands one after the other, twice. The last one has the stdin, and `meanwhile` is called while it
        runs. It has to end with the status and to print what it `says`: two failures alike would show nothing."""
        self.compared += 1
        plain = self.run([], commands, stdin, meanwhile, environment)
        ours = self.run([self.brio_run], commands, stdin, meanwhile, environment)
        unlike = sorted(what for what in plain.keys() | ours.keys() if plain.get(what) != ours.get(what))
        if unlike:
            self.tell(commands, "is different under brio-run", *unlike, plainly=plain, under_brio_run=ours)
        elif plain["status"] != status or says not in plain["output"] + plain["errors"]:
            expected = f"does not end with {status} and '{says}'"
            self.tell(commands, expected, "status", "output", "errors", plainly=plain)

    def waits(self, *command, **environment):
        """The main thread of the command's program waits by the layer: it is no plain program that is compared."""
        said = self.run([self.brio_run, "--stats"], [command], "", nothing, environment)
        program = re.escape(os.path.basename(command[0]))
        if not re.search(f"^brio: {program}: [1-9][0-9]* calls of the main thread have waited", said["errors"], re.M):
            self.tell([command], "never waited", "errors", under_brio_run=said)

    def tell(self, commands, what, *unlike, **runs):
        self.different += 1
        print(f"{' '.join(commands[-1])}\n  {what}")
        for name in unlike:
            for run, seen in runs.items():
                print(f"  {name}, {run}: {str(seen.get(name))[:SHOWN]!r}")

    def run(self, prefix, commands, stdin, meanwhile, environment):
        # Programs print where they are: it is the same place each time.
        place = pathlib.Path(tempfile.gettempdir(), f"brio-run-programs-{os.getpid()}")
        place.mkdir()
        try:
            with tempfile.TemporaryDirectory() as home:
                environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC", "HOME": home, "no_proxy": "*", **environment}
                seen = {}
                for n, command in enumerate(commands[:-1]):
                    before = self.end([*prefix, *command], "", nothing, place, environment)
                    seen |= {f"{what} of command {n}": value for what, value in before.items()}
                last = self.end([*prefix, *commands[-1]], stdin, meanwhile, place, environment)
                return seen | last | files_below(place)
        finally:
            shutil.rmtree(place)

    @staticmethod
    def end(command, stdin, meanwhile, place, environment):
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 cwd=place, env=environment, start_new_session=True, text=True,
                                 errors="backslashreplace")
        try:
            meanwhile()
            output, errors = child.communicate(stdin, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            output, errors = "", f"not over after {PATIENCE} seconds"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)  # with what it has left in the background
        return {"status": child.wait(), "output": output, "errors": errors}
