"""Use cases: one frozen class for each feature, whose fields are its ports."""
