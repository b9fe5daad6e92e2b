"""Runs a rotation of keys again and again, and kills it, as `kill -9` does, at each of its steps on their files.

    python -m tests.running.kill_rotation FROM TO

FROM is a data folder; each rotation works on a copy of it, `TO/<step>`. The last one is not killed. A step is whatever
writes, names, closes or removes a file after the first one was opened for writing; the kill comes right before it.
"""

import os
import shutil
import signal
import sys
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

from adapters.cli.main import main

STEPS = {"write", "flush", "fsync", "close", "__exit__", "chmod", "fchmod", "utime", "link", "rename", "replace"}
STEPS |= {"unlink", "remove", "truncate", "ftruncate", "mkdir", "symlink"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Killer:
    def __init__(self, folder: Path, steps: int) -> None:
        self.folder, self.steps, self.began = str(folder), steps, False

    def step(self) -> None:
        if self.steps == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.steps -= 1

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        paths = [os.fsdecode(each) for each in arguments if isinstance(each, str | bytes | os.PathLike)]
        if event == "open" and arguments[2] & WRITING and any(path.startswith(self.folder) for path in paths):
            self.began = True
            self.step()

    def profile(self, frame: FrameType, event: str, argument: Any) -> None:
        if self.began and event == "c_call" and argument.__name__ in STEPS:
            self.step()


def rotate(data: Path) -> int:
    return main(["keys", "rotate", "--data", str(data)])


def rotate_and_kill(data: Path, step: int) -> int:
    """The exit code, in a process of its own that has loaded everything."""
    process = os.fork()
    if process == 0:
        killer = Killer(data / "keys", step)
        sys.addaudithook(killer.audit)
        sys.setprofile(killer.profile)
        os._exit(rotate(data))
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


if __name__ == "__main__":
    origin, copies = map(Path, sys.argv[1:])
    rotate(Path(shutil.copytree(origin / "keys", copies / "loading" / "keys")).parent)
    for number in count():
        shutil.copytree(origin / "keys", copies / str(number) / "keys")
        code = rotate_and_kill(copies / str(number), number)
        if code != -signal.SIGKILL:
            sys.exit(code)
