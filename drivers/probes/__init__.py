"""Probe models: a TOML file each where a register table says it all, a Python file otherwise."""
