"""The work: sync, deliver, backup, and the schedule that runs them."""
