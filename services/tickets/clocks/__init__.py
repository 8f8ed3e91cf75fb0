"""What the center promises its customers in time: targets, clocks that measure them, warnings and breaches."""
