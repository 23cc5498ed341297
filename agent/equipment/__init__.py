"""The gateway's own parts as equipment: what there is to look at, and who looks."""
