// Takes messages from people, and has the agent answer them.
import { openDatabase, Refusal, required, serve } from "@assistant/shared";

const agent = required("AGENT_URL", "where the agent answers");
const name = process.env.BOT_NAME ?? "Bot";
const database = await openDatabase();

async function think(text) {
  const answer = await fetch(new URL("/agent/answers", agent), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ text }),
    signal: AbortSignal.timeout(10_000),
  });
  if (!answer.ok) throw new Error(`the agent answered ${answer.status}`);
  return (await answer.json()).answer;
}

async function say({ author = "someone", text }) {
  if (typeof text !== "string" || text === "") throw new Refusal(400, "text is missing");
  const answer = await think(text);
  const insert = "INSERT INTO message (author, text, answer) VALUES ($1, $2, $3) RETURNING id";
  const { rows } = await database.query(insert, [String(author), text, answer]);
  return { id: rows[0].id, from: name, answer };
}

serve("bot", {
  prefix: "/bot",
  routes: { "POST /bot/messages": say },
  healthy: () => database.query("SELECT 1"),
  end: () => database.end(),
});
