"""What comes in from the user, checked: arguments, networks, files, tensors."""
