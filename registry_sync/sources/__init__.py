"""Where records come from: each turns requests into observations."""
