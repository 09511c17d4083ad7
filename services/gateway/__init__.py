"""gateway: other systems - a hospital's software, insurance, other systems of the city - and what they may do.

Hears everything and says nothing: each event becomes one row of the feed, in one order for all, which partners read by
cursor. Partners prove themselves by their own keys; what they may read is judged when they read (decision 13).

Everything stands on `feed` and `partners`. One folder for each way. Out: `api.py` (batches and streams), `webhooks`,
`straight` (NATS). In: `inbound` (events), `fhir`, `submissions` (XML9) and `dropping` (a watched folder); `sandbox`
makes up births to try it with. The gateway decides nothing of a dossier: its owner does, in the partner's name
(`acting.py`).
"""
