"""The app of the seed, for the shape of its tables."""
