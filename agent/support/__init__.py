"""What somebody far away needs to help: `aqua-gateway support-bundle`."""
