"""The steps of the workflows in `config/tasks`, one module for each workflow."""
