"""Delivery of finished tasks: queue, retries, rate limit and the connection itself.

`Sender` is the entry point. It keeps tasks in a `TaskQueue` (memory, or a spool on disk),
a `DeliveryScheduler` decides which one may be sent now, and a `Backend` makes the attempt.

- `protocol`: requests, responses and retry delays as pure values and generators
- `client`: the public API clients, sync and asyncio
- `transport`: HTTP over sockets, or over httpx
- `storage`: the spool (finished tasks) and the journal (spans of open traces)
- `verdicts`: what the service's judge found in a run that was delivered
"""
