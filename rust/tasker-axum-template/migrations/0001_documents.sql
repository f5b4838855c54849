create table app.users (
    id uuid primary key,
    email varchar(254) not null unique,
    password_hash text not null,
    is_reviewer boolean not null default false
);

create table app.documents (
    id uuid primary key,
    owner_id uuid not null references app.users (id),
    filename varchar(255) not null,
    sha256 varchar(64) not null,
    content bytea not null,
    status varchar(32) not null default 'received'
        check (status in ('received', 'infected', 'waiting_for_review', 'published', 'rejected')),
    task_uuid uuid,
    created_at timestamptz not null default now()
);
create index documents_owner_id_idx on app.documents (owner_id, created_at desc);

create table app.pages (
    document_id uuid not null references app.documents (id),
    number integer not null,
    text text not null,
    words integer not null,
    primary key (document_id, number)
);

-- The answer of a person; a document has one at most.
create table app.reviews (
    document_id uuid primary key references app.documents (id),
    reviewer_id uuid not null references app.users (id),
    approved boolean not null,
    note varchar(1000) not null,
    task_uuid uuid,
    created_at timestamptz not null default now()
);

-- What the owner was told; the key keeps a repeated step from telling it twice.
create table app.notices (
    document_id uuid not null references app.documents (id),
    status varchar(32) not null,
    sent_at timestamptz not null default now(),
    primary key (document_id, status)
);
