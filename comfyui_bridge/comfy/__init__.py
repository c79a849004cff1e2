"""The wire: the only folder that knows a route, a message type or a byte offset.

It opens no thread and keeps no state of runs. Whatever goes wrong below it leaves it as one of
core.errors; `server.ComfyServer` is its one door.
"""
