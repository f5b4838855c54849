"""The step handlers: each fetches its input, calls a pure function and stores the output.

One module per phase of the pipeline. The names given to the decorators are the `callable`s of
`config/tasks/etl_pipeline.yaml`.
"""
