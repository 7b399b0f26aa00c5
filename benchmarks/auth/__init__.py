"""What auth costs, in one process."""
