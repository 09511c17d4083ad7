"""portal: the screens of officers, hospitals and citizens. It has no database; on the bus it only listens.

Everything it shows and does goes through the HTTP interfaces of the other services: with an officer's short token on
staff pages (sessions.py), with its own service token on citizens' pages (city.py). Pages are rendered here from
`templates/`; scripts and styles come from `static/` and from the packages pinned in `assets/`. A folder for each kind
of people or thing (hospital, counter, console, case, citizens, procedures, devices; forms made from schemas), the same
one in `templates/` and `static/`; what all screens share stands beside this file.
"""
