import pg from 'pg';
import type { PostgresOptions } from './postgres.js';

type Connection = PostgresOptions['connection'];

/**
 * What a migrated database needs to be emptied for the next test, which takes a fiftieth of the time of making another: the rows that
 * the migrations put into its tables, and what its tables were then.
 */
const PRISTINE = `
  CREATE SCHEMA pristine;
  CREATE FUNCTION pristine.shape() RETURNS TEXT LANGUAGE sql AS $$
    SELECT string_agg(name, ',' ORDER BY name) FROM (
      SELECT concat(oid, relname) AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
      UNION ALL SELECT concat(oid, conname, convalidated) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
      UNION ALL SELECT concat(oid, tgname, tgenabled) FROM pg_trigger
    ) parts
  $$;
  CREATE FUNCTION pristine.restore() RETURNS BOOLEAN LANGUAGE plpgsql AS $$
    DECLARE name TEXT;
    BEGIN
      PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
      IF pristine.shape() <> (SELECT shape FROM pristine.known) THEN
        RETURN FALSE;
      END IF;
      -- Foreign keys and triggers are for those who write, not for starting anew.
      SET LOCAL session_replication_role = replica;
      FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('DELETE FROM public.%I', name);
      END LOOP;
      FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'pristine' AND tablename <> 'known' LOOP
        EXECUTE format('INSERT INTO public.%I TABLE pristine.%I', name, name);
      END LOOP;
      RETURN TRUE;
    END
  $$;
  DO $$
    DECLARE name TEXT; has_rows BOOLEAN;
    BEGIN
      FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', name) INTO has_rows;
        IF has_rows THEN
          EXECUTE format('CREATE TABLE pristine.%I AS TABLE public.%I', name, name);
        END IF;
      END LOOP;
    END
  $$;
  CREATE TABLE pristine.known AS SELECT pristine.shape() AS shape`;

/** Remembers what a database is now, for `restore`; copies of it remember the same. */
export async function remember(database: Connection): Promise<void> {
  await query(database, PRISTINE);
}

/** Brings a database back to what it was when it was remembered, and ends all connections to it. False where its tables were changed: it is of no more use. */
export async function restore(database: Connection): Promise<boolean> {
  const [row] = await query<{ restore: boolean }>(database, 'SELECT pristine.restore()');
  return row?.restore === true;
}

/** Makes place on a server for the names of databases that nobody uses. */
export async function keepIdle(server: Connection): Promise<void> {
  await query(server, 'CREATE TABLE idle (name TEXT PRIMARY KEY)');
}

export async function putIdle(server: Connection, names: readonly string[]): Promise<void> {
  await query(server, `INSERT INTO idle VALUES ${names.map((name) => `('${name}')`).join(', ')}`);
}

/** One that nobody uses, if there is one; nobody else gets it. */
export async function takeIdle(server: Connection): Promise<string | undefined> {
  const [row] = await query<{ name: string }>(server, 'DELETE FROM idle WHERE name = (SELECT name FROM idle LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING name');
  return row?.name;
}

export async function query<Row extends object>(connection: Connection, statement: string): Promise<readonly Row[]> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    return (await client.query<Row>(statement)).rows;
  } finally {
    await client.end();
  }
}
