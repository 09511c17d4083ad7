-- Keys under which something is being sent by hand now. `until`: after it, whoever sent has died.
CREATE TABLE by_hand (
    client text NOT NULL,
    key text NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (client, key)
);
