-- The shop's own tables; the connection's search path is the schema `shop`.

CREATE TABLE products (
    sku text PRIMARY KEY,
    name text NOT NULL,
    price_cents bigint NOT NULL CHECK (price_cents > 0)
);

-- What lies in the warehouse, and how much of it is promised to orders. Selling more than there is breaks the constraint, whoever does it.
CREATE TABLE stock (
    sku text PRIMARY KEY REFERENCES products,
    on_hand bigint NOT NULL CHECK (on_hand >= 0),
    reserved bigint NOT NULL DEFAULT 0 CHECK (reserved BETWEEN 0 AND on_hand)
);

CREATE TABLE orders (
    order_id uuid PRIMARY KEY,
    -- Chosen by the customer's browser: pressing "buy" twice, or again after a lost answer, is one order.
    checkout_id text NOT NULL UNIQUE,
    request jsonb NOT NULL,
    customer text NOT NULL,
    country text NOT NULL,
    card text NOT NULL,
    total_cents bigint NOT NULL,
    status text NOT NULL DEFAULT 'placed' CHECK (status IN
        ('placed', 'reserved', 'in_review', 'paid', 'shipped', 'completed', 'compensating', 'cancelled')),
    reason text,
    reviewed_by text,
    placed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE order_lines (
    order_id uuid NOT NULL REFERENCES orders,
    sku text NOT NULL REFERENCES products,
    quantity bigint NOT NULL CHECK (quantity > 0),
    price_cents bigint NOT NULL,
    PRIMARY KEY (order_id, sku)
);

CREATE TABLE reservations (
    order_id uuid NOT NULL REFERENCES orders,
    sku text NOT NULL REFERENCES products,
    quantity bigint NOT NULL,
    state text NOT NULL DEFAULT 'reserved' CHECK (state IN ('reserved', 'shipped', 'released')),
    PRIMARY KEY (order_id, sku)
);

CREATE TABLE payments (
    order_id uuid PRIMARY KEY REFERENCES orders,
    charge_key text NOT NULL UNIQUE,
    amount_cents bigint NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'captured', 'declined', 'refunded', 'voided'))
);

CREATE TABLE shipments (
    order_id uuid PRIMARY KEY REFERENCES orders,
    tracking text NOT NULL UNIQUE
);

-- Mails to send. One of each kind for an order.
CREATE TABLE notifications (
    order_id uuid NOT NULL REFERENCES orders,
    kind text NOT NULL,
    recipient text NOT NULL,
    text text NOT NULL,
    PRIMARY KEY (order_id, kind)
);

-- Tasks that an order needs. A row is written in the transaction that makes the task necessary, and the task is created afterwards: whatever
-- dies in between, the row is found and the task is created later.
CREATE TABLE order_tasks (
    order_id uuid NOT NULL REFERENCES orders,
    workflow text NOT NULL CHECK (workflow IN ('fulfil_order', 'settle_order', 'compensate_order')),
    task_uuid uuid,
    -- Counts tasks that ended without having done their work.
    attempt integer NOT NULL DEFAULT 0,
    requested_at timestamptz NOT NULL DEFAULT now(),
    checked_at timestamptz NOT NULL DEFAULT now(),
    outcome text CHECK (outcome IN ('complete', 'failed')),
    PRIMARY KEY (order_id, workflow)
);
CREATE INDEX order_tasks_open ON order_tasks (checked_at) WHERE outcome IS NULL;
CREATE INDEX order_tasks_by_task ON order_tasks (task_uuid);
