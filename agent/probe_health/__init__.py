"""How each probe does, by evidence: what people did to it, what was learnt of it, and the report."""
