"""What the core needs from outside, as typing.Protocol; adapters provide it, tests prove it.

In every port ``find`` answers None for what is not there and never raises; lists keep the order
that their docstring names; a write is visible to later reads of the same Work at once, and to
others at commit.
"""
