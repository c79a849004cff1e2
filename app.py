"""The dashboard: settings, wiring, page, until it is stopped."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading

from comfyui_bridge import settings
from comfyui_bridge.core.errors import BridgeError


def main() -> int:
    chosen = settings.parse(sys.argv[1:], os.environ)
    # The page takes seconds to import: a wrong flag is told before. What is imported stays for good, and
    # looking through it for garbage meanwhile would be a fifth of the start.
    gc.disable()
    from comfyui_bridge import bootstrap
    from comfyui_bridge.ui.serving import launch

    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        with bootstrap.build(chosen) as app:
            page = launch(app.dashboard, host=chosen.host, port=chosen.port, share=chosen.share)
            gc.freeze()
            gc.enable()
            print(f"Ready: {page.url}", flush=True)
            if page.share_url:
                print(f"Public: {page.share_url}", flush=True)
            elif page.share_problem:
                print(f"There is no public link. {page.share_problem}", file=sys.stderr, flush=True)
            if chosen.auth is None and chosen.host not in ("127.0.0.1", "localhost", "::1"):
                print("Everyone who can reach this machine can use the page: see --auth.", file=sys.stderr)
            stopped.wait()
            print(
                "Stopping. Runs inside the servers go on, and are taken up at the next start.",
                file=sys.stderr,
            )
            page.close()
    except BridgeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
