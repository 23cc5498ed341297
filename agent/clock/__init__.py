"""The real clock, and whether it can be believed."""

from agent.clock.system import SystemClock

__all__ = ["SystemClock"]
