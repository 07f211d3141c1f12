"""The machine: cores, memory, number formats."""
