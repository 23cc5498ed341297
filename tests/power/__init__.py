"""Cutting the power: what a process asked the disk to do is recorded, and disks it could have left are looked at.

`recording` listens to a process, `disk` says what a power cut may leave of its files, `cuts` chooses among that.
`gateway` is the process recorded here, the real store and the real forwarder; `promises` says what must not be lost.
"""
