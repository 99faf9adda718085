// Takes jobs from the queue, and finishes those in hand before it exits.
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "bullmq";

const { REDIS_URL, CONCURRENCY = "2", VERSION = "dev" } = process.env;
if (!REDIS_URL) {
  console.error("REDIS_URL is missing: the address of Redis, with its password");
  process.exit(1);
}

/** Counts for as long as the job says. */
async function count(job) {
  console.log(`job ${job.id}: ${job.data.duration} ms`);
  const began = Date.now();
  await delay(job.data.duration);
  return { took: Date.now() - began, worker: hostname(), version: VERSION, attempts: job.attemptsStarted };
}

const worker = new Worker("counts", count, {
  connection: { url: REDIS_URL, maxRetriesPerRequest: null },
  concurrency: Number(CONCURRENCY),
});
worker.on("completed", (job) => console.log(`job ${job.id}: done`));
worker.on("failed", (job, error) => console.error(`job ${job?.id}: ${error.message}`));
worker.on("error", (error) => console.error(`queue: ${error.message}`));
worker.on("ready", () => console.log(`stock worker ${VERSION} takes jobs`));

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, async () => {
    console.log(`${signal}: no new jobs`);
    await worker.close();
    process.exit(0);
  });
}
