"""Events in: what a partner says is handed to the service that owns the matter, once, and answered at once.

`taking.Inbound.take` is the whole of it, for HTTP and for every other way in; `cloudevent` reads what came, `ways` says
which endpoint judges which type. The gateway decides nothing of a dossier (decision 16).
"""
