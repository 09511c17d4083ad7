"""`python -m deploy.local run|demo`: start the city, play a day in it; `run` keeps it running until Ctrl-C.

`run --desks people` plays what is handed in and leaves the desks to whoever signs in, so that every screen has work.
`python -m deploy.local token <desk>` prints a token for that city's services, `code <login>` the six digits an
authenticator program would show now for who has a second factor, `partner <code>` a partner's token for the gateway,
`partner <code> nats` what its program needs to read by NATS.
"""

import asyncio
import sys

from deploy.local.accounts import code_for
from deploy.local.city import ROOT
from deploy.local.desks import token_for
from deploy.local.partners import how_to_read, partner_token
from deploy.local.server_folder import ServerError
from deploy.local.show import FOLDER, show

if __name__ == "__main__":
    try:
        match sys.argv[1:]:
            case ["run" | "demo" as verb]:
                sys.exit(asyncio.run(show(stay=verb == "run")))
            case ["run", "--desks", "people"]:
                sys.exit(asyncio.run(show(stay=True, people=True)))
            case ["token", desk]:
                sys.stdout.write(f"{token_for(desk, folder=FOLDER, catalogue=ROOT / 'catalogue')}\n")
            case ["code", login]:
                sys.stdout.write(f"{code_for(login, folder=FOLDER, catalogue=ROOT / 'catalogue')}\n")
            case ["partner", partner, "nats"]:
                sys.stdout.write("".join(f"{line}\n" for line in how_to_read(partner, folder=FOLDER)))
            case ["partner", partner]:
                sys.stdout.write(f"{partner_token(partner, folder=FOLDER)}\n")
            case _:
                sys.exit(
                    "python -m deploy.local run [--desks people]|demo|token <desk>|code <login>|partner <code> [nats]"
                )
    except ServerError as error:
        sys.exit(f"Một Cửa: {error}")
