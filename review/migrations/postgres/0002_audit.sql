create table decisions (
  seq          bigint generated always as identity primary key,
  diagnosis_id text collate "C" not null unique references diagnoses (id),
  created      bigint not null,
  method       text not null,
  caller       text not null,
  request_id   text not null,
  checksum     bigint not null,
  body         text not null
);
create index decisions_created on decisions (created, seq);
create trigger decisions_no_update before update on decisions for each row execute function append_only();
create function no_decision_while_waiting() returns trigger language plpgsql as $$
begin
  if exists (select 1 from cases where diagnosis_id = old.diagnosis_id and resolved = 0) then
    raise exception 'a case waits for a decision';
  end if;
  return old;
end $$;
create trigger decisions_no_delete before delete on decisions for each row execute function no_decision_while_waiting();

create table shadows (
  diagnosis_id text collate "C" primary key references diagnoses (id),
  created      bigint not null,
  checksum     bigint not null,
  body         text not null
);
create trigger shadows_no_update before update on shadows for each row execute function append_only();

alter table cases add column label_check text not null default '';
alter table cases add column resolved_at bigint not null default 0;
