"""The dashboard: settings, wiring, page, until it is stopped."""

from __future__ import annotations

import os
import signal
import sys
import threading

from comfyui_bridge import bootstrap, settings
from comfyui_bridge.core.errors import BridgeError
from comfyui_bridge.ui.serving import launch


def main() -> int:
    chosen = settings.parse(sys.argv[1:], os.environ)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        with bootstrap.build(chosen) as app:
            page = launch(app.dashboard, host=chosen.host, port=chosen.port, share=chosen.share)
            print(f"Ready: {page.local_url}", flush=True)
            if page.share_url:
                print(f"Public: {page.share_url}", flush=True)
            stopped.wait()
            page.close()
    except BridgeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
