"""What commands show to people: one module a command or thing."""
