// The queue, as the API sees it.
import { Queue } from "bullmq";

/** Opens the queue of counts at a Redis address. */
export function openQueue(url) {
  const queue = new Queue("counts", {
    // While Redis is away, requests are told so at once instead of waiting for it.
    connection: { url, enableOfflineQueue: false, commandTimeout: 5000 },
    defaultJobOptions: { attempts: 3, removeOnComplete: { count: 100_000 } },
  });
  // Without a listener a lost connection would end the process; requests tell of it themselves.
  queue.on("error", (error) => console.error(`queue: ${error.message}`));
  return queue;
}

/** Takes a job's duration from a request's body: whole milliseconds, at most ten minutes. */
export function durationOf(body) {
  const duration = body?.duration ?? 100;
  if (!Number.isInteger(duration) || duration < 0 || duration > 600_000) return undefined;
  return duration;
}

/** What a client may know of a job. */
export async function describe(job) {
  return {
    id: job.id,
    state: await job.getState(),
    duration: job.data.duration,
    result: job.returnvalue ?? null,
    error: job.failedReason ?? null,
  };
}
