// The dashboard's page.
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escape = (text) => String(text).replace(/[&<>"]/g, (character) => ENTITIES[character]);

const row = ({ author, text, answer }) =>
  `<tr><td>${escape(author)}</td><td>${escape(text)}</td><td>${escape(answer ?? "")}</td></tr>`;

/** The page with these messages. */
export const page = (title, messages) => `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <title>${escape(title)}</title>
  <h1>${escape(title)}</h1>
  <table>
    <tr><th>From</th><th>Message</th><th>Answer</th></tr>
    ${messages.map(row).join("\n    ")}
  </table>
</html>
`;
