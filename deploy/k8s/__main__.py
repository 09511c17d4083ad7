"""`python -m deploy.k8s`: render base and overlays and check them, offline, in seconds. `make k8s` calls it.

python -m deploy.k8s            check; exit 1 with one line for each thing that is wrong
python -m deploy.k8s --compare  and show that `kubectl kustomize` renders the same
python -m deploy.k8s nats       write base/nats.conf from FLOWS, and base/partners-nats.conf
python -m deploy.k8s secrets    make up the dev overlay's secrets, once
"""

import sys
from collections.abc import Sequence

from deploy.k8s.dev_secrets import write_dev_secrets
from deploy.k8s.verdict import DEV_SECRETS, FOLDER, NATS_CONFS, copied, problems_of


def main(arguments: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    match arguments:
        case [] | ["--compare"]:
            with copied() as folder:
                problems = problems_of(folder, compare=bool(arguments))
            for problem in problems:
                print(problem)
            return 1 if problems else 0
        case ["nats"]:
            for name, text in NATS_CONFS.items():
                (FOLDER / name).write_text(text(), encoding="utf-8")
        case ["secrets"]:
            write_dev_secrets(FOLDER / DEV_SECRETS)
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
