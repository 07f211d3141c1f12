"""What the applications share: runs, controls, messages, pictures, the page, and the things that are measured."""
