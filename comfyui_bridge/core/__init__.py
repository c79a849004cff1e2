"""The pure heart: workflows, definitions, forms, values, runs.

No I/O, no clock, no randomness, no threads: what is needed of these comes in as an argument.
"""
