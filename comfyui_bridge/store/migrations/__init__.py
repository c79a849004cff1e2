"""How the database came to be as it is: one step a file in versions/, run in order and never changed.

A new step is a new file: v0003_what.py with revision "0003" and down_revision "0002"; change tables.py
with it and raise database.SCHEMA. Each step spells its tables out, for tables.py moves on.
"""
