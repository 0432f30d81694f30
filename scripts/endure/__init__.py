"""What the scripts endure-*.py share. The standard library is all they need."""
