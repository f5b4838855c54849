-- The payment service's own books; the connection's search path is the schema `bank`.

CREATE TABLE charges (
    -- The idempotency key of the caller: one charge, however often it is asked for.
    key text PRIMARY KEY,
    reference text NOT NULL,
    card text NOT NULL,
    amount_cents bigint NOT NULL CHECK (amount_cents > 0),
    state text NOT NULL CHECK (state IN ('new', 'captured', 'declined', 'voided')),
    requests bigint NOT NULL DEFAULT 0
);
CREATE INDEX charges_by_reference ON charges (reference);

CREATE TABLE refunds (
    key text PRIMARY KEY,
    charge_key text NOT NULL UNIQUE REFERENCES charges,
    amount_cents bigint NOT NULL
);
