"""What `gateway` and `consume` show of themselves: metrics, probes, logs and progress.

`samples` and `health` compute; the other modules act. A command passes a `Probes` to
`probe_server.listening`, which serves `/metrics`, `/livez` and `/readyz`.
"""
