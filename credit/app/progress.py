"""Progress on stderr: on a terminal a line that becomes a bar when a step lasts, elsewhere one line a step."""

from __future__ import annotations

import atexit
import sys
import threading
from typing import TYPE_CHECKING

from credit.app import configuration

if TYPE_CHECKING:
    from credit.app.bars import Bar

# A step that takes longer than this has a bar.
LASTS = 2.0
_CLEAR = "\r\033[K"


class Reporter:
    """Who tells what runs now. One step at a time, told from whatever thread."""

    def __init__(self) -> None:
        # The timer that raises a bar, and whoever tells of the work, run side by side.
        self._lock = threading.RLock()
        self._step: str | None = None
        self._at: tuple[float, float] = (0, 0)
        self._timer: threading.Timer | None = None
        self._bar: Bar | None = None

    def tell(self, step: str, done: float = 0, total: float = 0, /) -> None:
        """A step runs, and so much of it is done; the same step again only moves its bar."""
        with self._lock:
            self._at = (done, total)
            if step == self._step:
                if self._bar is not None:
                    self._bar.move(done, total)
                return
            self.clear()
            self._step, self._at = step, (done, total)
            if not _on_terminal():
                sys.stderr.write(f"  {step}\n")
                return
            sys.stderr.write(f"{_CLEAR}  {step}")
            sys.stderr.flush()
            self._later(step)

    def _later(self, step: str) -> None:
        self._timer = threading.Timer(LASTS, self._raise, (step,))
        self._timer.daemon = True
        self._timer.start()

    def wait(self, step: str) -> None:
        """A step runs that is over in a moment, or nearly; it is named only to who waits longer, at a terminal."""
        with self._lock:
            self.clear()
            if _on_terminal():
                self._step, self._at = step, (0, 0)
                self._later(step)

    def clear(self) -> None:
        """Nothing runs any more: a bar or line on a terminal is taken away."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._bar is not None:
                self._bar.close()
                self._bar = None
            if self._step is not None and _on_terminal():
                sys.stderr.write(_CLEAR)
                sys.stderr.flush()
            self._step = None

    def _raise(self, step: str) -> None:
        from credit.app.bars import Bar

        with self._lock:
            # While the lock was waited for the step may have ended.
            if step == self._step and self._bar is None:
                sys.stderr.write(_CLEAR)
                self._bar = Bar(step, *self._at)


def _on_terminal() -> bool:
    return sys.stderr.isatty() and not configuration.writes_lines_only()


_reporter = Reporter()
# A bar hides the cursor; however the command ends, it is shown again.
atexit.register(_reporter.clear)
tell, wait, clear = _reporter.tell, _reporter.wait, _reporter.clear
