"""Arrays to pictures and charts, each with a sentence computed from its numbers."""
