"""The whole way, from the twins to the table, while everything on it is killed and cut."""
