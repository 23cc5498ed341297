"""Getting back what is whole in a damaged ring buffer: `carry` is the way in."""
