// A small HTTP server with what every service answers.
import { createServer } from "node:http";
import { version } from "./settings.js";

const BODY_LIMIT = 64 * 1024;

/** Something that the client has to put right. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function readJson(request) {
  let text = "";
  for await (const piece of request.setEncoding("utf8")) {
    text += piece;
    if (text.length > BODY_LIMIT) throw new Refusal(413, "too large");
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, "the body is not JSON");
  }
}

async function answer(routes, request) {
  const { pathname } = new URL(request.url, "http://service");
  const route = routes[`${request.method} ${pathname}`];
  if (!route) throw new Refusal(404, "not found");
  return route(request.method === "POST" ? await readJson(request) : undefined);
}

function send(response, status, body) {
  const [type, text] = typeof body === "string" ? ["text/html", body] : ["application/json", JSON.stringify(body)];
  response.writeHead(status, { "content-type": `${type}; charset=utf-8` }).end(text);
}

/**
 * Serves routes, as `{"GET /path": handler}`; a handler returns HTML or an object. Adds PREFIX/health
 * and PREFIX/version. Ends on SIGTERM, after the requests in hand and then `end`.
 */
export function serve(name, { prefix, routes, healthy, end }) {
  const all = {
    [`GET ${prefix}/health`]: async () => {
      await healthy();
      return { status: "ok" };
    },
    [`GET ${prefix}/version`]: () => ({ service: name, version }),
    ...routes,
  };
  const server = createServer((request, response) => {
    answer(all, request).then(
      (body) => send(response, 200, body),
      (error) => {
        if (!error.status) console.error(`${request.method} ${request.url}: ${error.message}`);
        send(response, error.status ?? 503, { error: error.status ? error.message : "unavailable" });
      },
    );
  });
  const port = Number(process.env.PORT ?? 3000);
  server.listen(port, () => console.log(`${name} ${version} listens on ${port}`));
  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.once(signal, () => {
      console.log(`${signal}: no new requests`);
      server.close(() => end().then(() => process.exit(0)));
    });
  }
}
