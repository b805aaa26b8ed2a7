"""What is said of a change, to whom, and how it is sent."""
