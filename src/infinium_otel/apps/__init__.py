"""The command line: one package for each command of `infinium-otel`.

`cli` finds the command and imports only that. What the two HTTP servers share is in
`http`, what `gateway` and `consume` share in `backpressure`.
"""
