// Routes of the API.
import express from "express";
import { describe, durationOf } from "./jobs.js";

/** Builds the app for a queue; `version` is what /api/version answers. */
export function createApp(queue, version) {
  const app = express();
  app.disable("x-powered-by");
  app.use(express.json());

  app.get("/api/health", async (_request, response) => {
    const client = await queue.client;
    await client.ping();
    response.json({ status: "ok" });
  });

  app.get("/api/version", (_request, response) => {
    response.json({ version });
  });

  app.post("/api/jobs", async (request, response) => {
    const duration = durationOf(request.body);
    if (duration === undefined) {
      response.status(400).json({ error: "duration must be 0 to 600000 milliseconds" });
      return;
    }
    const job = await queue.add("count", { duration });
    response.status(202).location(`/api/jobs/${job.id}`).json({ id: job.id });
  });

  app.get("/api/jobs/count", async (_request, response) => {
    response.json(await queue.getJobCounts("completed", "active", "waiting", "failed"));
  });

  app.get("/api/jobs/:id", async (request, response) => {
    const job = await queue.getJob(request.params.id);
    if (!job) {
      response.status(404).json({ error: "no such job" });
      return;
    }
    response.json(await describe(job));
  });

  app.use("/api/*path", (_request, response) => {
    response.status(404).json({ error: "not found" });
  });

  app.use((error, request, response, next) => {
    if (response.headersSent) return next(error);
    const status = error.status ?? 503;
    if (status >= 500) console.error(`${request.method} ${request.path}: ${error.message}`);
    response.status(status).json({ error: status >= 500 ? "the queue does not answer" : error.message });
  });

  return app;
}
