"""The pipeline's rules as pure functions: no database, no network, no Tasker.

Everything here takes values and returns values, so that it can be tested with plain asserts and
read without knowing how the steps are scheduled. The handlers in `app.handlers` fetch the input,
call one of these functions and store its output.
"""
