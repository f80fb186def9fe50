"""The same features in other libraries, each a script for an environment of its own."""
