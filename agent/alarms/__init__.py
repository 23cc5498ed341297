"""Alarms after ISA-18.2: `condition` says whether there is reason for one, `falling` whether there will be, `lifecycle`
what becomes of it; `watch` puts them together for one alarm. Pure; times are seconds of the boot clock.
"""

from agent.alarms.watch import Order, Refusal, Step, Watch

__all__ = ["Order", "Refusal", "Step", "Watch"]
