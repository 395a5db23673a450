"""Sessions: the rotation state machine, the stores that hold it, and the revocation feed."""
