// The API, as the pages use it.
async function ask(path, options) {
  const answer = await fetch(`/api/${path}`, options);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error ?? `the API answered ${answer.status}`);
  return body;
}

export const version = () => ask("version");
export const totals = () => ask("jobs/count");
export const job = (id) => ask(`jobs/${encodeURIComponent(id)}`);
export const start = (duration) =>
  ask("jobs", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ duration }),
  });
