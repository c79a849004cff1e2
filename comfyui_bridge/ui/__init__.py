"""The page: the only room that imports Gradio. No protocol, no threads of its own, no SQL.

Gradio reads these variables while it is imported and whenever a Blocks is made, so they are set before
any module of this room can import it: nothing here ever calls out, and nothing is counted.
"""

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
# After every event Gradio counts all events so far with pandas, for a page of numbers that we switch off.
os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(10**9)
os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
