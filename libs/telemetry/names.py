"""The registry of everything that may be logged, measured or traced. To say something new, add a line here.

Three tables: fields of log lines, metrics, attributes of spans. No entry may ever hold personal data, a dossier
code, a tracking token, an address on the network of a citizen, or text that a person typed.
"""

from typing import Literal

import msgspec

# Field of a log line → what it means. `dossier_id` and `event_id` are random ids, not the citizen's dossier code.
FIELDS: dict[str, str] = {
    "actor_kind": "who asked: service, officer, system, or public when nobody signed in",
    "agency": "code of the agency concerned",
    "allowed": "how many were within the limit",
    "attempt": "which try this was, from 1",
    "batch": "messages or rows in this batch",
    "bytes": "size in bytes",
    "channel": "way a message goes: inbox, email, sms, zalo",
    "check": "name of the readiness check",
    "code": "a code of ours: reason, refusal, status",
    "consumer": "durable consumer on the bus",
    "count": "how many",
    "delay_ms": "wait before the next try, in milliseconds",
    "document": "kind of result document",
    "dossier_id": "random id of the dossier",
    "dropped_fields": "how many fields the allow-list took out of this line",
    "endpoint": "random id of a partner's webhook endpoint, never its URL",
    "epoch": "life of the stream, counted from 1",
    "error": "type name of an exception",
    "error_code": "a code of ours for an error, never its text",
    "error_type": "type name of an exception, written by the scrubber",
    "event": "what happened, in kebab-case",
    "event_id": "id of the event on the bus",
    "exit_code": "status the process ends with",
    "field": "name of a form field, never its content",
    "frames": "places in our code an exception passed through, innermost last",
    "from_seq": "first stream sequence concerned",
    "host": "address our own server listens on",
    "issuer": "who signed the token",
    "key_id": "id of a public key",
    "level": "weight of the line",
    "limit": "the limit that was reached",
    "line": "line of migrations",
    "logger": "module or library that spoke",
    "message_id": "random id of a message to a citizen or a desk",
    "method": "HTTP method",
    "migration": "file name of a migration",
    "ms": "duration in milliseconds",
    "name": "name of one of our own parts",
    "parent": "span that caused this one",
    "partner": "code of a partner",
    "pending": "how many still wait",
    "pid": "process id",
    "port": "port our own server listens on",
    "procedure": "code of a procedure of the catalogue",
    "purpose": "code of the purpose of a read",
    "reason": "why, as a code",
    "request_id": "id of the HTTP request",
    "result_id": "random id of a result",
    "role": "role of the catalogue",
    "route": "template of the route, never the path itself",
    "rows": "rows concerned",
    "seconds": "duration in seconds",
    "sequence": "sequence of the event in its dossier and source",
    "service": "which service speaks",
    "settings": "names of a stream's settings that are not as we ask for, without what they are set to",
    "signal": "name of the signal received",
    "source": "producer of the event",
    "span_id": "span this line belongs to",
    "sqlstate": "five-character error code of PostgreSQL",
    "state": "state of a state machine",
    "status": "HTTP status",
    "step": "step of the procedure's graph",
    "stream": "stream on the bus",
    "stream_seq": "sequence in the stream",
    "subject": "subject on the bus, one of FLOWS",
    "target": "service that was called",
    "task": "background task of ours",
    "template": "code of a message or document template",
    "time": "when, RFC 3339 UTC",
    "to_seq": "last stream sequence concerned",
    "trace_id": "trace this line belongs to",
    "unsafe_fields": "how many values looked like a number of a person and were taken out",
    "version": "version of our software or of a server",
    "what": "which part of ours was changed: a stream, a durable",
    "where": "file and line of a library that logged a text of its own",
    "worker": "number of a worker or lane",
}


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """A metric: what it counts, and the labels it may have (each with few possible values)."""

    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()


# Name → meaning. Units stand at the end of the name (Prometheus' own convention).
METRICS: dict[str, Metric] = {
    "bus_batch_messages": Metric(
        kind="histogram", meaning="messages in one consumed batch", labels=("consumer",)
    ),
    "bus_consumed_total": Metric(
        kind="counter", meaning="messages consumed, by what became of them", labels=("consumer", "outcome")
    ),
    "bus_consumer_pending": Metric(kind="gauge", meaning="messages not yet delivered", labels=("consumer",)),
    "bus_consumer_stopped": Metric(
        kind="gauge", meaning="1 while too many dead letters keep it from listening", labels=("consumer",)
    ),
    "bus_dead_letters_open": Metric(kind="gauge", meaning="dead letters that wait for a person"),
    "bus_dead_letters_total": Metric(
        kind="counter", meaning="messages set aside", labels=("consumer", "reason")
    ),
    "bus_gaps_waiting": Metric(kind="gauge", meaning="dossiers of which an earlier event has not arrived"),
    "bus_outbox_oldest_seconds": Metric(kind="gauge", meaning="age of the oldest unpublished event"),
    "bus_outbox_unpublished": Metric(kind="gauge", meaning="events committed and not yet on the stream"),
    "bus_published_total": Metric(kind="counter", meaning="events acknowledged by the stream"),
    "bus_refills_total": Metric(kind="counter", meaning="times the stream was refilled", labels=("reason",)),
    "bus_process_seconds": Metric(
        kind="histogram", meaning="one batch from receipt to commit", labels=("consumer",)
    ),
    "documents_rendered_total": Metric(kind="counter", meaning="result documents made", labels=("document",)),
    "documents_seconds": Metric(kind="histogram", meaning="rendering and signing one document"),
    "drop_files_total": Metric(
        kind="counter", meaning="files of the drop folder, by what became of them", labels=("outcome",)
    ),
    "drop_files_waiting": Metric(kind="gauge", meaning="files in the drop folder that are not taken yet"),
    "drop_oldest_seconds": Metric(kind="gauge", meaning="age of the oldest file that is not taken yet"),
    "http_client_requests_total": Metric(
        kind="counter", meaning="calls to other services", labels=("target", "status")
    ),
    "http_in_flight": Metric(kind="gauge", meaning="requests being answered now"),
    "http_refused_total": Metric(kind="counter", meaning="requests refused before work", labels=("reason",)),
    "http_request_seconds": Metric(
        kind="histogram", meaning="answering one request", labels=("method", "route")
    ),
    "http_requests_total": Metric(
        kind="counter", meaning="requests answered", labels=("method", "route", "status")
    ),
    "log_fields_dropped_total": Metric(
        kind="counter", meaning="fields taken out of log lines", labels=("reason",)
    ),
    "messages_total": Metric(
        kind="counter", meaning="messages by channel and state", labels=("channel", "state")
    ),
    "partner_events_total": Metric(
        kind="counter", meaning="events of partners: taken, refused, later", labels=("target", "outcome")
    ),
    "partner_tokens_total": Metric(
        kind="counter", meaning="tokens asked for by partners: granted, refused", labels=("outcome",)
    ),
    "sign_in_tries_total": Metric(
        kind="counter", meaning="tries of staff to sign in: passed, failed, locked", labels=("outcome",)
    ),
    "search_lag_seconds": Metric(
        kind="gauge", meaning="age of the oldest change of a dossier that searches do not know yet"
    ),
    "timers_fired_total": Metric(kind="counter", meaning="clock rows that fired", labels=("name",)),
    "tries_refused_total": Metric(
        kind="counter",
        meaning="people not recognised (mismatch), or turned away unheard after that (too-many)",
        labels=("name", "outcome"),
    ),
    "portal_live_connections": Metric(kind="gauge", meaning="pages open with a live state"),
    "webhook_attempts_total": Metric(
        kind="counter", meaning="webhook attempts, by what the delivery is after it", labels=("outcome",)
    ),
    "webhook_attempt_seconds": Metric(kind="histogram", meaning="one webhook attempt, until its outcome"),
    "webhook_endpoints": Metric(
        kind="gauge",
        meaning="endpoints this process serves, by state; 0 where it stands by",
        labels=("state",),
    ),
    "webhook_exhausted_total": Metric(
        kind="counter", meaning="deliveries and endpoints given up", labels=("target",)
    ),
    "webhook_in_flight": Metric(kind="gauge", meaning="webhook attempts on their way now"),
}

# Attribute of a span → meaning. Names follow the OpenTelemetry semantic conventions (v1.44) where they have one.
SPAN_ATTRIBUTES: dict[str, str] = {
    "error.type": "type name of the exception",
    "http.request.method": "HTTP method",
    "http.response.status_code": "HTTP status",
    "http.route": "template of the route",
    "messaging.batch.message_count": "messages in the batch",
    "messaging.consumer.group.name": "durable consumer",
    "messaging.destination.name": "stream",
    "messaging.destination.template": "subject, one of FLOWS",
    "messaging.message.id": "event id",
    "messaging.operation.name": "publish, receive, process",
    "messaging.operation.type": "send, receive, process",
    "messaging.system": "nats",
    "server.address": "name of the service called",
    "url.template": "template of the path called",
}
