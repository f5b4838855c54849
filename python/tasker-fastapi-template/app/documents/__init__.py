"""Documents: what is stored of them, and what is done with their content."""
