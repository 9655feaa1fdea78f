-- Times are microseconds since 1970 in UTC; 0 means none. The columns beside a JSON body are what is searched by.

create table diagnoses (
  id       text primary key,
  outcome  text not null,
  created  bigint not null,
  checksum bigint not null, -- CRC-32C of body
  body     text not null    -- prediag.Diagnosis
);

-- A case is open when it is not resolved and its lease is over, claimed while the lease lasts.
create table cases (
  id           text primary key,
  diagnosis_id text not null unique references diagnoses (id),
  queue        text not null,
  tier         text not null,
  priority     integer not null,
  deadline     bigint not null, -- the greatest bigint: none
  created      bigint not null,
  resolved     smallint not null default 0,
  claimed_by   text not null default '',
  lease_until  bigint not null default 0,
  resolution   text not null default '', -- prediag.Resolution once resolved
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
  body         text not null, -- prediag.Case without its diagnosis; empty: the answer was the diagnosis
  created      bigint not null,
  primary key (method, caller, id)
);
create index requests_created on requests (created);

create table examples (
  seq     integer primary key autoincrement,
  case_id text not null unique,
  created bigint not null,
  body    text not null -- prediag.Example
);

create table events (
  seq          integer primary key autoincrement,
  created      bigint not null,
  actor        text not null,
  action       text not null,
  case_id      text not null,
  diagnosis_id text not null,
  digest       text not null -- SHA-256 of what was written, hex
);
create trigger events_no_update before update on events begin
  select raise(abort, 'events are append-only');
end;
create trigger events_no_delete before delete on events begin
  select raise(abort, 'events are append-only');
end;

-- Counts that would cost a scan, kept in the transactions that change them.
create table backlog (
  queue    text not null,
  tier     text not null,
  waiting  bigint not null,
  resolved bigint not null,
  primary key (queue, tier)
);
create table tallies (
  kind  text not null, -- 'outcome' of diagnoses, 'action' of resolutions
  label text not null,
  n     bigint not null,
  primary key (kind, label)
);
