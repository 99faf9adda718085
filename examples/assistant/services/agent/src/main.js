// Answers: it knows how many messages there were, and turns words round.
import { openDatabase, Refusal, serve } from "@assistant/shared";

const database = await openDatabase();

async function answer({ text }) {
  if (typeof text !== "string") throw new Refusal(400, "text is missing");
  const { rows } = await database.query("SELECT count(*)::int AS number FROM message");
  const turned = text.split(" ").reverse().join(" ");
  return { answer: `${rows[0].number + 1}: ${turned}` };
}

serve("agent", {
  prefix: "/agent",
  routes: { "POST /agent/answers": answer },
  healthy: () => database.query("SELECT 1"),
  end: () => database.end(),
});
