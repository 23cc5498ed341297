"""The way to the cloud: the contract both sides keep, the uplink on the gateway, the backend in the cloud."""
