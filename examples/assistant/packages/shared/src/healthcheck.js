// Asks the service in the same container whether it is well: `node healthcheck.js PATH`.
const answer = await fetch(`http://127.0.0.1:${process.env.PORT ?? 3000}${process.argv[2]}`).catch((error) => error);
if (!answer.ok) {
  console.error(answer.status ?? answer.cause?.message ?? answer.message);
  process.exit(1);
}
