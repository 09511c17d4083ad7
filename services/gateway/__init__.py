"""gateway: other systems - a hospital's software, insurance, other systems of the city - and what they may do.

Hears everything and says nothing: each event becomes one row of the feed, in one order for all, which partners read by
cursor. Partners prove themselves by their own keys and get tokens of five minutes; what they may read is judged when
they read (decision 13).

Births come in hospitals' own formats, FHIR Bundles and XML9 files, over HTTP or dropped into a folder; the gateway
translates them, and intake decides (decision 17).
"""
