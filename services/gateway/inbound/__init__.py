"""Events in: what a partner says is handed to the service that owns the matter, once, and answered at once.

`taking.Inbound.take` is the whole of it, for HTTP and for every other way in; `cloudevent` reads what came,
`owner_calls` says which endpoint judges which type, `orders` what it is asked, `outcomes` what can become of it. The
gateway decides nothing of a dossier (decision 16).

`desk` admits who speaks, no more often than it may; `api` is HTTP. Look-ups (`city`: the list; `api_city`) go the same
way, since they too are asked of the owner in the partner's name.
"""
