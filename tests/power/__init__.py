"""Cutting the power: what a process asked the disk to do is recorded, and every disk it could have left is looked at.

`recording` listens to a process, `disk` says what a power cut may leave of it, `cuts` chooses among that; `gateway` is
the process that is recorded here, the real store and the real forwarder; `promises` says what must be left of it.
"""
