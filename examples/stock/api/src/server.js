// Starts the API, and ends it when what it is answering is answered.
import { createApp } from "./app.js";
import { openQueue } from "./jobs.js";

const { REDIS_URL, PORT = "3000", VERSION = "dev" } = process.env;
if (!REDIS_URL) {
  console.error("REDIS_URL is missing: the address of Redis, with its password");
  process.exit(1);
}

const queue = openQueue(REDIS_URL);
let server;

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, () => {
    console.log(`${signal}: no new requests`);
    if (!server) process.exit(0);
    server.close(async () => {
      await queue.disconnect();
      process.exit(0);
    });
  });
}

await queue.waitUntilReady();
server = createApp(queue, VERSION).listen(Number(PORT), () => {
  console.log(`stock API ${VERSION} listens on ${PORT}`);
});
