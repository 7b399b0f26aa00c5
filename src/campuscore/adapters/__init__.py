"""Adapters at the rim: databases, files, hashers, the web and the command line."""
