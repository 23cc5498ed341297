"""The gateway process: everything that happens to a reading beside the tank."""
