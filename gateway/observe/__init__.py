"""What the gateway tells its operators: counters, a line for each request, a line for each event."""
