"""What people said of the machine's decisions."""
