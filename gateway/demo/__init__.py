"""`gateway demo`: the shipped configuration with everything around it that a first try needs."""
