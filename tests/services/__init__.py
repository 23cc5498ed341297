"""The real services of the cloud side, run for tests and developers: a file a service, all of them on 127.0.0.1."""
