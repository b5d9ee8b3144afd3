"""`python -m bench`: what the real service does on this machine. Measures, and judges nothing."""
