"""An embedded server that speaks ComfyUI's protocol over real sockets and paints pictures on a CPU.

It is no AI model: its pictures are procedural, made from the words, the seed and the settings it is
given. It stands apart from the rest of the package and imports nothing of it, so that whatever works
against it has only the protocol to rely on.
"""
