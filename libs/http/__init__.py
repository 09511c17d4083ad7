"""HTTP of every service: application, problems, tokens, bodies, idempotent writes, recorded reads, calls, serving.

A service's endpoint, in full:

    @router.post("/dossiers", openapi_extra=body(NewDossier, answers={201: Accepted}))
    async def submit(request: Request, actor: Annotated[Actor, require("one_stop")]) -> Response:
        wanted = await read_body(request, NewDossier)

        async def work(connection: Connection) -> Answer:
            dossier = await store.add(connection, wanted)
            return Answer(201, Accepted(dossier_id=dossier.id), location=f"/dossiers/{dossier.id}")

        return await once(request, actor, writer, work)
"""
