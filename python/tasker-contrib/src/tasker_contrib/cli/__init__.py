"""The parts of a command line that no framework decides."""
