"""Calls: how they prove who asks, when they are made again, and what a refusal becomes."""

import json as standard_json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey

from mot_cua import SigningKey
from mot_cua.effects import Request, Response, Send
from mot_cua.errors import (
    Conflict,
    CredentialsRefused,
    Invalid,
    NotAllowed,
    NotFound,
    Problem,
    TooManyRequests,
    Unauthorised,
    UnexpectedAnswer,
    Unreachable,
    problem_of,
)
from mot_cua.retrying import PAUSE_SECONDS_MAX, RETRY_AFTER_SECONDS_MAX, Backoff, retry_after
from mot_cua.saying import LATER, REFUSED, TAKEN, Said, say, written
from mot_cua.saying import Events as Saying
from mot_cua.session import Session
from services.gateway.partners.assertions import judge, read_assertion
from services.gateway.partners.keys import public_key
from services.gateway.partners.partner import Key, Partner
from tests.unit.client.play import KEY, URL, Answer, Stage, json
from tests.unit.gateway.test_assertions import NOW

GET = Request(method="GET", url=f"{URL}/x")
GONE = Unreachable("ReadTimeout", sent=True)
UNSENT = Unreachable("ConnectError", sent=False)


def answers(*given_: Answer) -> Stage:
    """A stage that answers by these, one after another, the last for ever."""
    left = list(given_)
    return Stage(lambda _: left.pop(0) if len(left) > 1 else left[0])


@pytest.mark.parametrize("key", [ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519")])
def test_the_gateway_believes_what_the_key_signs(key: ECKey | OKPKey) -> None:
    """P-256 and Ed25519, from PEM and JWK, under the id they are registered by or the one the gateway gives."""
    for text in (key.as_pem(private=True), standard_json.dumps(key.as_dict(private=True))):
        mine = SigningKey.read(text)
        kid, jwk = public_key(mine.public_jwk())
        assert public_key(key.as_pem(private=False).decode())[0] == kid == mine.kid
        partner = Partner(code="bv", name_vi="BV", keys=(Key(kid=kid, jwk=jwk, added_at=NOW),))
        assertion = read_assertion(mine.assertion("bv", URL, NOW.timestamp()))
        assert judge(assertion, partner, (URL,), NOW) is partner
        assert repr(mine) == f"SigningKey(kid={kid!r})"
    assert '"d"' not in mine.public_jwk()


NO_KEYS: dict[str, str | bytes] = {
    "nothing": "",
    "words": "no key",
    "no members": "{}",
    "a list": "[]",
    "RSA": '{"kty": "RSA"}',
    "not on the curve": '{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA"}',
    "an empty PEM": "-----BEGIN KEY-----\nAAAA\n-----END KEY-----",
    "P-384": ECKey.generate_key("P-384").as_pem(private=True),
    "X25519": OKPKey.generate_key("X25519").as_pem(private=True),
    "a public PEM": ECKey.generate_key("P-256").as_pem(private=False),
    "a public JWK": standard_json.dumps(OKPKey.generate_key("Ed25519").as_dict(private=False)),
}


@pytest.mark.parametrize("name", NO_KEYS)
def test_other_keys_are_refused_at_once(name: str) -> None:
    """Not at the first call."""
    with pytest.raises(ValueError, match=r"key|PEM"):
        SigningKey.read(NO_KEYS[name])


def test_an_assertion_is_used_once() -> None:
    """Two tokens, two assertions; the second also where the first was refused."""
    stage = answers(json(401, "{}"))
    with pytest.raises(Unauthorised):
        stage.play(stage.session().call(GET))
    forms = [
        effect.request.content
        for effect in stage.effects
        if isinstance(effect, Send) and effect.request.content
    ]
    assert len(set(forms)) == len(forms) == 2


def test_a_401_gets_one_fresh_token_and_no_more() -> None:
    """Whoever is out is told so, and does not hammer."""
    stage = answers(json(401, ""), json(200, "{}"))
    assert stage.play(stage.session().call(GET)).status == 200
    stage = answers(json(401, '{"type": "urn:mot-cua:problem:partner-not-active"}'))
    with pytest.raises(Unauthorised) as refused:
        stage.play(stage.session().call(GET))
    assert refused.value.code == "partner-not-active"
    assert len(stage.requests) == 2
    assert stage.pauses == []


def test_a_token_serves_until_shortly_before_its_end() -> None:
    """Five minutes less thirty seconds."""
    stage = answers(json(200, "{}"))
    session = stage.session()
    for now, effects in ((0.0, 3), (269.0, 1), (270.0, 2)):
        stage.now = now
        stage.effects.clear()
        stage.play(session.call(GET))
        assert len(stage.effects) == effects


def test_another_gateway_s_name_is_not_signed_for() -> None:
    """RFC 8414 3.3: else this one could pass our assertion on to that one."""
    session = Session("https://another.example.vn", "bv", KEY)
    stage = Stage(
        lambda _: json(200, f'{{"issuer": "{URL}", "token_endpoint": "https://another.example.vn/t"}}')
    )
    with pytest.raises(UnexpectedAnswer):
        stage.play(session.token())


@pytest.mark.parametrize("url", ["http://doitac.example.vn", "ftp://x", "doitac.example.vn", "https://"])
def test_tokens_do_not_travel_in_the_clear(url: str) -> None:
    """But on this machine they may, or where it is allowed."""
    with pytest.raises(ValueError, match="https"):
        Session(url, "bv", KEY)
    for fine in ("http://127.0.0.1:8000", "http://localhost", "https://doitac.example.vn/"):
        assert not Session(fine, "bv", KEY).url.endswith("/")
    assert Session("http://gateway.city", "bv", KEY, allow_http=True).url == "http://gateway.city"


def test_credentials_that_are_refused_are_said_so() -> None:
    """Not tried again: it would be refused again."""
    described = json(200, f'{{"issuer": "{URL}", "token_endpoint": "{URL}/other"}}')
    refused = json(401, '{"error": "invalid_client", "error_description": "no"}')
    left = [described, refused]
    stage = Stage(lambda _: left.pop(0), tokens=False)
    with pytest.raises(CredentialsRefused, match="invalid_client: no"):
        stage.play(stage.session().call(GET))
    assert left == []


@pytest.mark.parametrize("failure", [json(503, ""), json(500, ""), json(429, ""), UNSENT, GONE])
def test_what_passes_is_waited_for(failure: Answer) -> None:
    """With pauses that grow."""
    stage = answers(failure, failure, failure, json(200, "{}"))
    assert stage.play(stage.session().call(GET)).status == 200
    assert stage.pauses == [0.25, 0.5, 1.0]


def test_patience_ends() -> None:
    """Then what was the matter is raised, and nothing waited for that could not come in time."""
    stage = answers(json(503, '{"type": "urn:mot-cua:problem:unavailable", "title": "Bận"}'))
    with pytest.raises(Problem, match="503 unavailable - Bận"):
        stage.play(stage.session(patience_seconds=10).call(GET))
    assert stage.now <= 10
    stage = answers(json(429, "", retry_after="3600"))
    with pytest.raises(TooManyRequests) as refused:
        stage.play(stage.session(patience_seconds=60).call(GET))
    assert (stage.pauses, refused.value.retry_after_seconds) == ([], 3600)


def test_retry_after_is_kept_to() -> None:
    """Never sooner than asked for."""
    stage = answers(json(503, "", retry_after="7"), json(200, "{}"))
    stage.play(stage.session().call(GET))
    assert 7 <= stage.pauses[0] <= 8


def test_what_may_have_been_done_is_not_done_again() -> None:
    """Where twice is not as once: a lost answer and a 503 are told; 429 and what was never sent are tried again."""
    for failure in (GONE, json(503, ""), json(500, "")):
        stage = answers(failure)
        with pytest.raises((Unreachable, Problem)):
            stage.play(stage.session().call(GET, repeatable=False))
        assert len(stage.requests) == 1
    for failure in (UNSENT, json(429, "")):
        stage = answers(failure, json(201, "{}"))
        assert stage.play(stage.session().call(GET, repeatable=False)).status == 201


def test_a_redirect_is_not_followed() -> None:
    """A token would go with it to wherever it leads."""
    stage = answers(json(302, "", location="https://elsewhere.example.vn"))
    with pytest.raises(UnexpectedAnswer):
        stage.play(stage.session().call(GET))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (401, Unauthorised),
        (403, NotAllowed),
        (404, NotFound),
        (409, Conflict),
        (422, Invalid),
    ],
)
def test_refusals_have_types_codes_and_fields(status: int, kind: type[Problem]) -> None:
    """And what else the answer says."""
    found = problem_of(
        json(
            status,
            '{"type": "urn:mot-cua:problem:dossier-exists", "title": "Hồ sơ đã có", "dossier": "/dossiers/1",'
            ' "errors": [{"field": "mother.name", "code": "required", "message": "Thiếu", "pointer": "/x"}]}',
        )
    )
    assert type(found) is kind
    assert (found.code, found.more) == ("dossier-exists", {"dossier": "/dossiers/1"})
    assert [(error.field, error.code) for error in found.errors] == [("mother.name", "required")]
    assert "mother.name: Thiếu" in str(found)


@given(st.binary(max_size=60) | st.sampled_from([b'{"type": 5}', b'{"errors": "x"}', b"[]", b"<html>"]))
def test_whatever_a_refusal_says_it_is_one(content: bytes) -> None:
    """A proxy's page as well."""
    assert problem_of(Response(status=502, headers={}, content=content)).status == 502


@given(st.integers(0, 60), st.floats(0, 1), st.none() | st.floats(0, RETRY_AFTER_SECONDS_MAX))
def test_pauses_are_bounded(failures: int, draw: float, asked: float | None) -> None:
    """By half a minute, or what was asked for and a second."""
    backoff = Backoff(lambda: draw)
    for _ in range(failures):
        backoff.pause()
    pause = backoff.pause(asked)
    assert (asked or 0) <= pause <= (PAUSE_SECONDS_MAX if asked is None else asked + 1)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", None),
        ("soon", None),
        ("-5", None),
        ("120", 120),
        ("9" * 400, RETRY_AFTER_SECONDS_MAX),
        ("Thu, 01 Jan 1970 00:01:00 GMT", 50),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thu, 99 Jan 1970 00:00:00 GMT", None),
    ],
)
def test_retry_after_in_either_form(text: str, seconds: float | None) -> None:
    """A number of seconds, or a date."""
    assert retry_after({"retry-after": text}, now=lambda: 10.0) == seconds


def test_an_event_said_again_is_the_same() -> None:
    """Also when its answer was lost: the id is made before the first try."""
    stage = answers(GONE, json(503, ""), json(200, '{"id": "e1", "state": "taken", "status": 201}'))
    outcome = stage.play(say(stage.session(), Said(type="partner.step-started.v1", data={"step": "x"})))
    assert outcome.state == TAKEN
    assert len({request.content for request in stage.requests}) == 1
    sent = standard_json.loads(stage.requests[0].content)
    assert sent == written("bv", Said(type=sent["type"], data=sent["data"], id=sent["id"]))
    assert sent["source"] == "urn:mot-cua:partner:bv"


def batch(*outcomes: dict[str, Any]) -> Response:
    """The answer to a batch."""
    return json(200, standard_json.dumps({"outcomes": outcomes}))


def test_of_a_batch_only_what_is_undecided_is_said_again() -> None:
    """And what was refused only because that stood before it."""
    later = {"id": "b", "state": LATER, "status": 503, "retry_after_seconds": 2}
    after = {
        "id": "c",
        "state": REFUSED,
        "status": 409,
        "problem": {"type": "urn:mot-cua:problem:earlier-refused"},
    }
    wrong = {"id": "d", "state": REFUSED, "status": 422, "problem": {"errors": [{"field": "step"}]}}
    stage = answers(
        batch({"id": "a"}, later, after, wrong), batch({"id": "b", "replayed": True}, {"id": "c"})
    )
    events = [
        Said(type="partner.step-started.v1", id=id_, dossier_id=dossier)
        for id_, dossier in (("a", "1"), ("b", "2"), ("c", "2"), ("d", "3"))
    ]
    surface: Any = Saying(stage.session(), stage.play)
    outcomes = surface.say_all(events)
    assert [outcome.state for outcome in outcomes] == [TAKEN, TAKEN, TAKEN, REFUSED]
    sent = [[each["id"] for each in standard_json.loads(request.content)] for request in stage.requests]
    assert sent == [["a", "b", "c", "d"], ["b", "c"]]
    assert stage.pauses[0] >= 2
    assert [error.field for error in outcomes[3].refusal.errors] == ["step"]
    with pytest.raises(ValueError, match="one id"):
        surface.say_all([events[0], events[0]])


def test_many_events_go_in_batches_the_gateway_takes() -> None:
    """A hundred each, in order."""
    stage = Stage(
        lambda effect: batch(*({"id": each["id"]} for each in standard_json.loads(effect.request.content)))  # type: ignore[union-attr]
    )
    surface: Any = Saying(stage.session(), stage.play)
    events = [Said(type="partner.step-started.v1", id=str(number)) for number in range(230)]
    assert [outcome.id for outcome in surface.say_all(events)] == [said.id for said in events]
    assert [len(standard_json.loads(request.content)) for request in stage.requests] == [100, 100, 30]


def test_the_assertion_says_no_more_than_needed() -> None:
    """For a minute, once, to one."""
    claims = jwt.decode(KEY.assertion("bv", URL, 1000.9), KEY._key, algorithms=["ES256"]).claims
    assert claims.pop("jti")
    assert claims == {"iss": "bv", "sub": "bv", "aud": URL, "iat": 1000, "exp": 1060}
