"""The rim: commands, use cases, wiring, configuration and the clock."""
