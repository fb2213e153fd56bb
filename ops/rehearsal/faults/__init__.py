"""Many faults in one rehearsal: each creation that can fail fails once, and the next update continues."""
