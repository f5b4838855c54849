"""The application that generated files are put into."""
