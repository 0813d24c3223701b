"""What is kept on disk: finished tasks in the spool, spans of open traces in the journal."""
