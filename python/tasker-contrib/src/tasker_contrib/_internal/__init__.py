"""Private parts; import from the package of your framework instead."""
