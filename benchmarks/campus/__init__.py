"""Campus API benchmark: campuscore beside a well-written Django REST stack, in one run."""
