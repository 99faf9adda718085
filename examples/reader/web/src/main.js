// The page: notes, and what the stream says.
import "./style.css";

const element = (id) => document.getElementById(id);

async function ask(path, options) {
  const answer = await fetch(`/api/${path}`, options);
  if (!answer.ok) throw new Error(`the gateway answered ${answer.status}`);
  return answer.json();
}

async function showNotes() {
  const items = (await ask("notes")).map((note) => {
    const item = document.createElement("li");
    item.textContent = note.text;
    return item;
  });
  element("notes").replaceChildren(...items);
}

async function write(event) {
  event.preventDefault();
  const form = event.target;
  await ask("notes", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ text: form.elements.text.value }),
  });
  form.reset();
  await showNotes();
}

function listen(event) {
  event.preventDefault();
  const address = new URL("/ws", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  address.search = new URLSearchParams(new FormData(event.target));
  const socket = new WebSocket(address);
  socket.onmessage = ({ data }) => {
    const { number, of, version } = JSON.parse(data);
    element("heard").textContent = `${number} of ${of}, from version ${version}`;
  };
  socket.onclose = ({ wasClean, code }) => {
    if (!wasClean || code !== 1000) tell(new Error(`the stream was cut off: ${code}`));
  };
}

const tell = (error) => (element("problem").textContent = error.message);

element("write").onsubmit = (event) => write(event).catch(tell);
element("listen").onsubmit = listen;
showNotes().catch(tell);
ask("version").then(({ version }) => (element("version").textContent = `Version ${version}`), tell);
