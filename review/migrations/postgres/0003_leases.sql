create table leases (
  name    text primary key,
  holder  text not null,
  epoch   bigint not null,
  expires bigint not null
);

create table authority (id text primary key);
insert into authority (id) values (replace(gen_random_uuid()::text, '-', ''));

-- The row that every change locks first. So changes follow one another as they do on SQLite: sequences grow in the order
-- of the commits, and a reader that remembers the last one misses nothing.
create table turn (id smallint primary key);
insert into turn (id) values (1);
