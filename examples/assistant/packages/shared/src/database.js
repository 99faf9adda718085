// The database, and the one table that the services share.
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { required } from "./settings.js";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS message (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    author  text NOT NULL,
    text    text NOT NULL,
    answer  text,
    created timestamptz NOT NULL DEFAULT now()
  )`;

/** Any number that nothing else locks: services that start at once make the table in turn. */
const LOCK = 5_120_377;

/** Connects, waiting up to a minute for a database that is still starting, and makes the table. */
export async function openDatabase() {
  const address = required("DATABASE_URL", "the address of Postgres, with user and password");
  const pool = new pg.Pool({ connectionString: address, max: 5, connectionTimeoutMillis: 5000 });
  // Without a listener a lost connection would end the process; requests tell of it themselves.
  pool.on("error", (error) => console.error(`database: ${error.message}`));
  const deadline = Date.now() + 60_000;
  while (true) {
    try {
      await pool.query(`BEGIN; SELECT pg_advisory_xact_lock(${LOCK}); ${SCHEMA}; COMMIT`);
      return pool;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      console.error(`database: ${error.message}`);
      await delay(500);
    }
  }
}
