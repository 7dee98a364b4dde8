"""``ralph-hooks``, which is also ``python -m ralph_hooks``."""

from __future__ import annotations

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else whoever started us has turned it off
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while we are imported would show a traceback

from ralph_hooks.cli.main import main

if __name__ == "__main__":
    main()
