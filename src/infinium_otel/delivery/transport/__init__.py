"""How a request reaches the service: plain sockets, or httpx through a proxy."""
