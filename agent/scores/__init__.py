"""How well a tank is doing, in the specification's two numbers: `hours` holds what they need of a week, `tank` has the
formulas. Pure; `agent.tank_report` reads the ring buffer and tells.
"""
