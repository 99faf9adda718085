// Shows what was said and answered.
import { openDatabase, serve } from "@assistant/shared";
import { page } from "./page.js";

const title = process.env.TITLE ?? "Assistant";
const database = await openDatabase();

async function messages() {
  const { rows } = await database.query("SELECT author, text, answer, created FROM message ORDER BY id DESC LIMIT 50");
  return rows;
}

serve("dashboard", {
  prefix: "/api",
  routes: {
    "GET /": async () => page(title, await messages()),
    "GET /api/messages": messages,
  },
  healthy: () => database.query("SELECT 1"),
  end: () => database.end(),
});
