"""How the networks that ship were trained, and Tables 1 and 2. Paper: §5."""
