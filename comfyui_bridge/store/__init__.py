"""What survives: the database of runs, kept media, the library of templates, accounts.

Rows and files become values here, and other libraries' exceptions stop here: what leaves is a
core.errors.StoreError that says what happened, to which file, and what to do.
"""
