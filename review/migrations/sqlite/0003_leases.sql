-- Who may do what only one process may do at a time. The epoch grows with every change of the holder: what a former holder
-- still writes elsewhere bears a lower one.
create table leases (
  name    text primary key,
  holder  text not null,
  epoch   bigint not null,
  expires bigint not null -- by the clock of the database
);

-- Tells this state of record from any other: epochs of two of them cannot be compared.
create table authority (id text primary key);
insert into authority (id) values (lower(hex(randomblob(16))));
