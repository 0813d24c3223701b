"""gunicorn's settings that call register() in every worker."""


def post_fork(server, worker):
    from infinium_otel import register  # noqa: PLC0415 - in the worker

    register()
