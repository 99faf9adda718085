// Asks the API in the same container whether it is well: the image needs no curl.
const { PORT = "3000" } = process.env;
const answer = await fetch(`http://127.0.0.1:${PORT}/api/health`).catch((error) => error);
if (!answer.ok) {
  console.error(answer.status ?? answer.cause?.message ?? answer.message);
  process.exit(1);
}
