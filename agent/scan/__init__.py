"""`aqua-gateway bus scan`: what to ask whom (`tries`), asking (`search`), and which model it may be (`identify`)."""
