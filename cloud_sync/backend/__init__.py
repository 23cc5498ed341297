"""The cloud's side: `aqua-backend …`. It shares the contract with the gateway, and nothing else."""
