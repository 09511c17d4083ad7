"""Births as files in a watched folder: one folder for each partner, files in, acknowledgements out (decision 17).

<folder>/<partner>/in/    what the partner puts there      work/  claimed, being taken
<folder>/<partner>/out/   an acknowledgement per record    done/  taken        bad/  set aside, with the reason

`watching` looks and claims, `taking` takes one claimed file, `acks` says what is written of it; `folders`
is what touches a partner's folder.
"""
