"""What a trial is and what changed in it: data in, data out."""
