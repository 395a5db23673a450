"""What operators ask a running gateway: health, readiness, metrics; never on the public listener."""
