-- The audit log: one row for each diagnosis, without its texts. Order is by time and then by sequence.
create table decisions (
  seq          integer primary key autoincrement,
  diagnosis_id text not null unique references diagnoses (id),
  created      bigint not null,
  method       text not null, -- of the request key
  caller       text not null,
  request_id   text not null,
  checksum     bigint not null, -- CRC-32C of body
  body         text not null    -- outcome, reasons, versions, facts; empty: as the diagnosis says, without facts
);
create index decisions_created on decisions (created, seq);
create trigger decisions_no_update before update on decisions begin
  select raise(abort, 'the audit log is append-only');
end;
create trigger decisions_no_delete before delete on decisions
  when exists (select 1 from cases where diagnosis_id = old.diagnosis_id and resolved = 0) begin
  select raise(abort, 'a case waits for a decision');
end;
insert into decisions (diagnosis_id, created, method, caller, request_id, checksum, body)
  select id, created, '', '', '', 0, '' from diagnoses order by created, id;

-- What a candidate would have decided, beside the diagnosis that was given.
create table shadows (
  diagnosis_id text primary key references diagnoses (id),
  created      bigint not null,
  checksum     bigint not null,
  body         text not null
);
create trigger shadows_no_update before update on shadows begin
  select raise(abort, 'the audit log is append-only');
end;

-- Cases that ask which of two labels of a training ticket is right: prediag.LabelCheck; empty for a customer's ticket.
alter table cases add column label_check text not null default '';
alter table cases add column resolved_at bigint not null default 0;
