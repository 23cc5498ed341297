"""How well a tank is doing, in the specification's two numbers, and how each probe does, by evidence.

`hours` holds what both need of a week, `tank` has the formulas. `evidence` is judged by `probe_limits` and put together
in `probe`; `response` tells how fast a probe follows, `since_calibration` compares. Pure: `agent.tank_report` and
`agent.probe_health.report` read the ring buffer and tell.
"""
