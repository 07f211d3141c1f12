"""What carries the course: notebooks from their sources, the check of the machine."""
