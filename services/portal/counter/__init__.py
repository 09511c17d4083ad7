"""The counter's screens: receiving a dossier (/quay) and handing its results over."""
