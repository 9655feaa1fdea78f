-- The same tables as for SQLite, whose file says what they mean. Identifiers sort by their bytes, as they do there.

create table diagnoses (
  id       text collate "C" primary key,
  outcome  text not null,
  created  bigint not null,
  checksum bigint not null,
  body     text not null
);

create table cases (
  id           text collate "C" primary key,
  diagnosis_id text collate "C" not null unique references diagnoses (id),
  queue        text not null,
  tier         text not null,
  priority     integer not null,
  deadline     bigint not null,
  created      bigint not null,
  resolved     smallint not null default 0,
  claimed_by   text not null default '',
  lease_until  bigint not null default 0,
  resolution   text not null default '',
  rev          bigint not null default 1
);
create index cases_all on cases (resolved, priority, deadline, id);
create index cases_queue on cases (resolved, queue, priority, deadline, id);
create index cases_tier on cases (resolved, tier, priority, deadline, id);
create index cases_queue_tier on cases (resolved, queue, tier, priority, deadline, id);
create index cases_lease on cases (resolved, lease_until);
create index cases_created on cases (resolved, created);

create table requests (
  method       text not null,
  caller       text not null,
  id           text not null,
  digest       text not null,
  diagnosis_id text not null,
  body         text not null,
  created      bigint not null,
  primary key (method, caller, id)
);
create index requests_created on requests (created);

create table examples (
  seq     bigint generated always as identity primary key,
  case_id text not null unique,
  created bigint not null,
  body    text not null
);

create table events (
  seq          bigint generated always as identity primary key,
  created      bigint not null,
  actor        text not null,
  action       text not null,
  case_id      text not null,
  diagnosis_id text not null,
  digest       text not null
);
create function append_only() returns trigger language plpgsql as $$
begin
  raise exception '% are append-only', tg_table_name;
end $$;
create trigger events_no_change before update or delete on events for each row execute function append_only();

create table backlog (
  queue    text not null,
  tier     text not null,
  waiting  bigint not null,
  resolved bigint not null,
  primary key (queue, tier)
);
create table tallies (
  kind  text not null,
  label text not null,
  n     bigint not null,
  primary key (kind, label)
);
