"""Entities, values and pure rules; one module for each feature."""
